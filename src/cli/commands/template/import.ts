import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Template, Upload } from '../../../api/resources.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { createMeter } from '../../files/meter.ts'
import { archiveOf } from '../../files/send.ts'
import { bytesText } from '../../screen/cells.ts'
import { changeAnswer } from '../../work/change.ts'
import { withInterrupt } from '../../work/follow.ts'

const usualVersion = 'v1'

export async function run(context: Context): Promise<Answer> {
  const { args, flags } = context
  const ref = versioned(args.one('TEMPLATE'))
  const from = args.one('SOURCE')
  const sha256 = flags.text('sha256')
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256))
    throw new CroftError('USAGE', '--sha256 takes a sha256: 64 of 0-9 and a-f', { hint: 'sha256sum FILE' })
  const isUrl = /^https?:\/\//.test(from)
  const metadata = args.maybe('METADATA')
  if (isUrl && metadata !== undefined)
    throw new CroftError('USAGE', 'of an image in two files both must be files here: fetch them first', {
      hint: `croft template import ${ref} FILE METADATA`,
    })
  if (isUrl && sha256 === undefined)
    throw new CroftError('USAGE', 'what comes from an address needs its --sha256', {
      hint: `croft template import ${ref} ${from} --sha256 HASH`,
    })
  const asked = {
    // Of two files it is what Incus calls their fingerprint, and was looked at here.
    ...(sha256 === undefined || metadata !== undefined ? {} : { sha256 }),
    ...textOf('limitSize', flags.text('limit-size')),
    ...textOf('limitFiles', flags.text('limit-files')),
  }
  const params = { template: ref }
  // What would be refused anyway is refused before a file is sent.
  const source = isUrl || flags.has('dry-run') ? undefined : await openSource(from, metadata, sha256)
  if (source) await context.client.request('importTemplate', { params, query: { dryRun: true }, body: asked })
  const what = isUrl ? { url: from } : source ? { upload: (await send(context, source)).id } : {}
  const change = { route: 'importTemplate', params, body: { ...asked, ...what } } as const
  return changeAnswer(context, change, async () => {
    const template = await context.client.request('getTemplate', { params })
    return done(ref, `template ${ref}  ${sizeText(template)}${initText(template)}`, {
      record: template,
      hint: `croft create web ${ref}`,
    })
  })
}

const versioned = (ref: string): string => (ref.includes(':') ? ref : `${ref}:${usualVersion}`)
const textOf = (key: string, value: string | undefined) => (value === undefined ? {} : { [key]: value })
const sizeText = ({ sizeBytes }: Template): string => (sizeBytes === null ? '' : `${bytesText(sizeBytes)}  `)
const initText = ({ init }: Template): string => (init?.kind === 'command' ? `runs ${init.words[0]}` : '')

/** A file as it is; of a folder, as OCI layouts are, and of two files the tar. A hash that does not fit is found before it is sent. */
async function openSource(
  path: string,
  metadata: string | undefined,
  sha256: string | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const found = await statOf(path)
  if (metadata !== undefined) {
    for (const file of [path, metadata])
      if (!(await statOf(file)).isFile())
        throw new CroftError('USAGE', `"${file}" is no file, and an image in two files has two`)
    if (sha256 !== undefined) await assertHash([metadata, path], sha256)
    return packed({ rootfs: path, metadata })
  }
  if (found.isDirectory()) {
    if (sha256 !== undefined) throw new CroftError('USAGE', 'a folder has no sha256: leave it out, or name an archive')
    return packed({ '.': path })
  }
  if (!found.isFile()) throw new CroftError('USAGE', `"${path}" is neither a file nor a folder`)
  if (sha256 !== undefined) await assertHash([path], sha256)
  return createReadStream(path, { highWaterMark: 256 * 1024 })
}

async function statOf(path: string): Promise<Stats> {
  return stat(path).catch((cause: Error) => {
    throw new CroftError('USAGE', `"${path}" cannot be read: ${cause.message}`, { cause })
  })
}

/** By the names that they have in it. */
function packed(files: Readonly<Record<string, string>>): AsyncIterable<Uint8Array> {
  const sources = Object.entries(files).map(([name, path]) => ({
    from: Buffer.from(resolve(path)).toString('latin1'),
    name,
  }))
  return archiveOf(sources, { owner: { uid: 0, gid: 0 }, onBytes() {}, onLeftOut })
}

function onLeftOut(path: string, why: string): void {
  throw new CroftError('USAGE', `"${path}" is ${why}`)
}

/** Of all of them, one after another. */
async function assertHash(paths: readonly string[], wanted: string): Promise<void> {
  const hash = createHash('sha256')
  for (const path of paths) for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  const got = hash.digest('hex')
  const named = paths.map((path) => `"${path}"`).join(' and ')
  if (got !== wanted)
    throw new CroftError(
      'HASH_DIFFERS',
      `${named} ${paths.length > 1 ? 'together have' : 'has'} the sha256 ${got}, not ${wanted}`,
    )
}

async function send(context: Context, source: AsyncIterable<Uint8Array>): Promise<Upload> {
  const { upload } = await import('../../wire/transfer.ts')
  const limit = context.flags.text('limit-size')
  const path = `/v1/uploads${limit === undefined ? '' : `?limit=${encodeURIComponent(limit)}`}`
  const line = await context.client.line()
  using meter = createMeter(context, 'sent')
  const onBytes = (count: number) => meter.add(count)
  return (await withInterrupt(context, (signal) => upload({ line, path, signal, onBytes }, source))) as Upload
}
