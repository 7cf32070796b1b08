/**
 * Words run inside a running guest for the loops of the farm: with what they may print, how long they may take, and
 * somebody who may end them. What they say comes line by line and without control characters.
 */
import { StringDecoder } from 'node:string_decoder'
import { setImmediate } from 'node:timers/promises'
import { CroftError } from '../../api/errors.ts'
import { printable } from '../../api/printable.ts'
import { type Attached, startAttached } from '../../drivers/exec/attached.ts'
import type { Runtime } from '../../drivers/runtime/driver.ts'

export interface InsideOptions {
  /** On a command line, where every user of this host can read it while they run: no secrets. */
  readonly env?: Readonly<Record<string, string>>
  /** Root when absent. */
  readonly user?: { readonly uid: number; readonly gid: number }
  readonly folder?: string
  readonly stdin?: AsyncIterable<Uint8Array>
  /** Each line as it comes, of stdout and stderr alike. */
  readonly onLine?: (line: string) => void
  /** Takes stdout as it is, and nothing more before its promise is kept; lines are those of stderr then. */
  readonly onBytes?: (bytes: Uint8Array) => unknown
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly maxBytes?: number
}

export interface Ended {
  readonly code: number
  /** The last ones. */
  readonly lines: readonly string[]
}

export interface Inside {
  /** Whatever the exit code is. Throws NOT_RUNNING, FAILED when it took or printed too much, the signal's reason. */
  run(number: number, words: readonly string[], options: InsideOptions): Promise<Ended>
}

const usualEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
}
const usualMaxBytes = 64 * 1024 ** 2
const mostLines = 200_000
const keptLines = 200

export function createInside(runtime: Pick<Runtime, 'observe' | 'attach'>): Inside {
  return {
    async run(number, words, options) {
      options.signal.throwIfAborted()
      const seen = await runtime.observe(number)
      if (seen?.state !== 'running') throw new CroftError('NOT_RUNNING', `guest ${number} is not running`)
      const command = runtime.attach(number, {
        command: options.folder === undefined ? words : ['sh', '-c', inFolder, 'sh', options.folder, ...words],
        env: { ...usualEnv, HOME: options.user ? '/' : '/root', ...options.env },
        ...(options.user ? { user: options.user } : {}),
      })
      return attend(command, options)
    },
  }
}

/** Of the guest's own shell; a constant. */
const inFolder = 'cd -- "$1" && shift && exec "$@"'

/** Until its end, or until it is ended. */
async function attend(command: Parameters<typeof startAttached>[0], options: InsideOptions): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  const said = collect(options.onLine)
  let attached: Attached | undefined
  let why: unknown
  let bytes = 0
  let taken = () => {}
  const over = new AbortController()
  const end = (reason: unknown) => {
    why ??= reason
    attached?.hangUp()
  }
  const given = (later: unknown): boolean => {
    if (!(later instanceof Promise)) return true
    later.then(() => attached?.resume(), end)
    return false
  }
  attached = await startAttached(command, {
    onOutput(from, chunk) {
      bytes += chunk.length
      const most = options.maxBytes ?? usualMaxBytes
      if (why !== undefined) return true
      if (said.count() > mostLines) end(new CroftError('FAILED', `it printed more than ${mostLines} lines`))
      else if (bytes > most) end(new CroftError('FAILED', `it printed more than ${amount(most)}`))
      else if (from === 'stdout' && options.onBytes) return given(options.onBytes(chunk))
      else said[from].take(chunk)
      return true
    },
    onTaken: () => taken(),
    onEnd(how) {
      for (const each of [said.stdout, said.stderr]) each.end()
      over.abort()
      taken()
      if (why !== undefined) reject(why)
      else if ('error' in how) reject(how.error)
      else resolve({ code: how.code, lines: said.lines })
    },
  })
  const onAbort = () => end(options.signal.reason)
  options.signal.addEventListener('abort', onAbort, { once: true })
  if (options.signal.aborted) onAbort()
  const timer = setTimeout(
    () => end(new CroftError('FAILED', `it took longer than ${Math.round(options.timeoutMs / 1000)} s`)),
    options.timeoutMs,
  )
  try {
    send(attached, options.stdin, over, (then) => {
      taken = then
    }).catch(end)
    return await promise
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', onAbort)
  }
}

/** As fast as it is taken. */
async function send(
  attached: Attached,
  source: AsyncIterable<Uint8Array> | undefined,
  over: AbortController,
  onTaken: (then: () => void) => void,
): Promise<void> {
  for await (const chunk of source ?? []) {
    if (over.signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    onTaken(resolve)
    attached.write(chunk)
    await promise
    // What is refused counts as taken at once: the end of the command must be heard all the same.
    await setImmediate()
  }
  attached.end()
}

const amount = (bytes: number): string =>
  bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 ** 2)} MiB`

function collect(onLine: InsideOptions['onLine']) {
  const lines: string[] = []
  let count = 0
  const keep = (line: string) => {
    count += 1
    lines.push(line)
    if (lines.length > keptLines) lines.shift()
    onLine?.(line)
  }
  return { lines, count: () => count, stdout: splitter(keep), stderr: splitter(keep) }
}

const longestLine = 4000

/** Lines as a terminal would leave them in the end: what was written over is gone. */
function splitter(onLine: (line: string) => void) {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const take = (text: string) => {
    const parts = (rest + text).split('\n')
    rest = (parts.pop() ?? '').slice(0, longestLine)
    for (const part of parts) onLine(cleanLine(part))
  }
  return {
    take: (chunk: Buffer) => take(decoder.write(chunk)),
    end() {
      take(decoder.end())
      if (rest !== '') onLine(cleanLine(rest))
      rest = ''
    },
  }
}

const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g

export function cleanLine(text: string): string {
  const whole = text.slice(0, longestLine).replace(/\r+$/, '')
  const last = whole.slice(whole.lastIndexOf('\r') + 1)
  return printable(last.replace(escapes, '').replaceAll('\t', '  ')).replaceAll('\n', ' ')
}
