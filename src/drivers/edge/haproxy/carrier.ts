/**
 * What HAProxy says of requests goes into a pipe with a name, and a process of its own carries it to the log: HAProxy itself
 * would write over a file's beginning after each start, and into nothing after each cut. Without its carrier lines are dropped;
 * nobody waits.
 */
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Command, Runner } from '../../exec/command.ts'
import { startDetached } from '../../exec/detached.ts'
import { killQuietly } from '../../exec/kill.ts'
import type { Layout } from './layout.ts'

export interface Carrier {
  /** The pipe, before HAProxy starts. */
  prepare(): Promise<void>
  /** It ends with HAProxy, and when the log is full. */
  ensure(): Promise<void>
  stop(): Promise<void>
}

/** What the log may grow to while nobody looks after it. */
const mostBytes = 256 * 1024 * 1024

/**
 * It looks fifty times a second and takes what is there: who waited in the pipe would be woken for every request, by HAProxy,
 * and that costs each request a tenth. The pipe (1031: F_SETPIPE_SZ) holds what comes meanwhile. perl is part of every Debian.
 */
const program =
  'open STDIN, "<", shift or die; fcntl STDIN, 1031, 1 << 20; while (sysread STDIN, $_, 1 << 20) { syswrite STDOUT, $_ or die; select undef, undef, undef, 0.02 }'

const carry = ({ pipe }: Layout): Command => ({
  file: 'prlimit',
  args: [`--fsize=${mostBytes}`, '--core=0', '--', 'perl', '-e', program, '--', pipe],
  timeoutMs: 0,
})

export function createCarrier({ run, layout }: { readonly run: Runner; readonly layout: Layout }): Carrier {
  let known: number | undefined

  async function isCarrier(pid: number): Promise<boolean> {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    return /^(perl|cat)$/.test(words[0] ?? '') && words.includes(layout.pipe)
  }

  async function find(): Promise<number | undefined> {
    if (known !== undefined && (await isCarrier(known))) return known
    for (const name of await readdir('/proc'))
      if (/^\d+$/.test(name) && (await isCarrier(Number(name)))) return Number(name)
    return undefined
  }

  return {
    async prepare() {
      await mkdir(dirname(layout.pipe), { recursive: true, mode: 0o700 })
      const isThere = await stat(layout.pipe).then(
        (found) => found.isFIFO(),
        () => false,
      )
      if (!isThere) await run.run({ file: 'mkfifo', args: ['--mode=600', layout.pipe], timeoutMs: 10_000 })
    },
    async ensure() {
      known = await find()
      known ??= startDetached(carry(layout), { stdout: layout.accessLog, stderr: layout.messages }).pid
    },
    async stop() {
      for (let pid = await find(); pid !== undefined; pid = await find()) killQuietly(pid)
    },
  }
}
