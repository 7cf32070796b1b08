/** Disks between pools, by `btrfs send` and `btrfs receive`. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { CroftError } from '../../../api/errors.ts'
import type { Command, Runner } from '../../exec/command.ts'
import { type StageEnd, startPipeline } from '../../exec/pipeline.ts'
import type { Measure, ReceiveOptions, Sending } from '../driver.ts'
import { assertSame, measured, sending } from '../measured.ts'
import * as commands from './commands.ts'
import { parsePosing, storageFailed } from './parse.ts'
import { runOrThrow } from './run.ts'
import { isSubvolume, removeSubvolume } from './subvolumes.ts'

const never = new AbortController().signal

export interface SendingOf {
  readonly parent: string | undefined
  readonly mostBytes: number | undefined
}

/** `ended`: the process is gone. */
export function sendSubvolume(
  path: string,
  { parent, mostBytes, signal }: SendingOf & { readonly signal: AbortSignal },
): { readonly sending: Sending; readonly ended: Promise<unknown> } {
  const command = commands.send(path, parent)
  const work = startPipeline([command], { signal, timeoutOf: 'silence' })
  const ended = work.ended.then(([end]) => assertDone(command, end))
  // Told by the stream.
  ended.catch(() => undefined)
  return { sending: sending(measured(work.output, { whole: () => ended, mostBytes })), ended }
}

/**
 * Which disk a difference is laid on `btrfs receive` finds by what disks say of themselves, those that guests write first of all.
 * Guests may not say that (runtime/lxc/seccomp.ts); one that did in spite of it must not become another's disk.
 */
export async function assertNobodyPoses(run: Runner, pool: string): Promise<void> {
  const [first] = parsePosing(await runOrThrow(run, commands.listReceived(pool)))
  if (first === undefined) return
  throw new CroftError(
    'REFUSED',
    `the disk ${first} says of itself that it came from elsewhere: nothing is received beside it`,
    {
      hint: 'look at whose it is (croft ls -c name,number); it goes with its guest (croft rm), or by: croft clone, then croft rm',
    },
  )
}

/** The path of the one read-only subvolume that the stream made in `folder`, which is empty. */
export async function receiveSubvolume(
  folder: string,
  stream: Readable,
  { sha256, mostBytes, signal = never }: ReceiveOptions,
): Promise<{ readonly path: string; readonly measure: Measure }> {
  const command = commands.receive(folder)
  const input = measured(stream, { mostBytes })
  const work = startPipeline([command], { signal, input: input.stream, timeoutOf: 'silence' })
  work.output.resume()
  const [end] = await work.ended
  assertDone(command, end)
  // It ended well without all that was to come.
  const measure = await input.measure.catch(() => {
    throw incomplete()
  })
  assertSame(await sha256, measure)
  const [name, ...others] = await readdir(folder)
  const path = join(folder, name ?? '')
  if (name === undefined || others.length > 0 || !(await isSubvolume(path))) throw incomplete()
  return { path, measure }
}

/** What a stream made in staging. No guest reaches it there, so its name can be trusted to be what it was. */
export async function removeReceived(run: Runner, pool: string, folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const inner = join(folder, name)
    if (await isSubvolume(inner).catch(() => false)) await removeSubvolume(run, pool, inner)
  }
}

function assertDone(command: Command, end: StageEnd | undefined): void {
  if (end?.code === 0) return
  const { stderr = '' } = end ?? {}
  if (/cannot find parent subvolume|parent subvolume .*not found/i.test(stderr))
    throw new CroftError('NOT_FOUND', 'the disk that this one is sent as a difference from is not on the pool')
  if (/send ioctl failed.*: File name too long/.test(stderr))
    throw new CroftError('REFUSED', 'a path in it is too long to be sent: more than 4,000 letters', {
      hint: 'look for it in the guest: find / -xdev -regextype posix-extended -regex ".{3000,}"',
    })
  if (/is not read-only/.test(stderr)) throw new CroftError('REFUSED', 'only a read-only disk can be sent')
  throw storageFailed(command, { code: null, signal: null, timedOut: false, ...end, stderr, stdout: '' })
}

const incomplete = (): CroftError =>
  new CroftError('FAILED', 'the stream held no whole disk', { hint: 'send it again' })
