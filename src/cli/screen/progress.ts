/** Progress on stderr: one live line on a terminal; stamped lines and a heartbeat elsewhere. Told after every look. */
import type { Operation } from '../../api/resources.ts'
import type { Context } from '../context.ts'
import { bytesText, durationText } from './cells.ts'
import { oneLine } from './escape.ts'
import { cut, paint, type Style, signs } from './style.ts'

const heartbeatMs = 30_000
/** Without -v a stamped line comes no more often than this. */
const calmMs = 5000

export interface Progress extends Disposable {
  show(operation: Operation): void
}

/** `narrate`: its lines are worth reading one by one, not only the one it is at. */
export function createProgress(context: Context, options: { narrate: boolean }): Progress {
  if (context.flags.has('quiet')) return { show: () => {}, [Symbol.dispose]: () => {} }
  const every = options.narrate || context.flags.has('verbose')
  return context.io.stderr.tty ? livePainter(context, every) : stampedLines(context, every)
}

function livePainter({ io, style }: Context, every: boolean): Progress {
  const started = io.now()
  let log: readonly string[] = []
  let live = false
  const clear = () => {
    if (live) io.stderr.write('\r\u001b[K')
    live = false
  }
  return {
    show(operation) {
      const running = operation.state === 'running'
      // The last line is what it is doing now: it is folded when the next one comes.
      const told = running ? operation.log.slice(0, -1) : operation.log
      clear()
      if (every) for (const line of freshLines(log, told)) io.stderr.write(`${foldedLine(line, style)}\n`)
      log = told
      if (!running) return
      const text = `${signs(style, '◐')} ${signs(style, liveText(operation, io.now() - started))}`
      io.stderr.write(cut(text, (style.columns ?? 80) - 1, signs(style, '…')))
      live = true
    },
    [Symbol.dispose]: clear,
  }
}

/** What a log has that it had not before. It keeps only so many lines, so that its beginning may be gone. */
export function freshLines(before: readonly string[], now: readonly string[]): readonly string[] {
  if (now.length > before.length) return now.slice(before.length)
  const last = before.at(-1)
  if (last === undefined || now.at(-1) === last) return []
  return now.slice(now.lastIndexOf(last) + 1)
}

/** A line of an operation's log: its own sign stays, else what is said is done. */
export function foldedLine(line: string, style: Style): string {
  const text = oneLine(line.trim())
  const signed = /^[✓✗!?↩▲]/.test(text)
  return signed ? `  ${signs(style, text)}` : `  ${paint(style, 'good', signs(style, '✓'))} ${signs(style, text)}`
}

/** `build debian:12  12s  unpacking  45%  3.1 MB/s  4s left` */
export function liveText(operation: Operation, elapsedMs: number): string {
  const { progress, verb, target } = operation
  const parts = [`${oneLine(verb)} ${oneLine(target.name)}`, durationText(elapsedMs)]
  if (progress) parts.push(oneLine(progress.label))
  const { done, total, unit } = progress ?? {}
  if (done !== undefined) parts.push(amount(done, total, unit))
  if (done !== undefined && done > 0 && elapsedMs >= 1000) {
    const perSecond = done / (elapsedMs / 1000)
    if (unit === 'bytes') parts.push(`${bytesText(Math.round(perSecond))}/s`)
    if (total !== undefined && total > done) parts.push(`${durationText(((total - done) / perSecond) * 1000)} left`)
  }
  return parts.join('  ')
}

function amount(done: number, total: number | undefined, unit: string | undefined): string {
  if (total !== undefined && total > 0) return `${Math.floor((100 * Math.min(done, total)) / total)}%`
  return unit === 'bytes' ? bytesText(done) : `${done}${unit ? ` ${oneLine(unit)}` : ''}`
}

function stampedLines({ io, style }: Context, every: boolean): Progress {
  const started = io.now()
  let saidAt = started - calmMs
  let log: readonly string[] = []
  const say = (operation: Operation, text: string) => {
    saidAt = io.now()
    const clock = new Date(saidAt).toISOString().slice(11, 19)
    io.stderr.write(signs(style, oneLine(`${clock}Z ${operation.verb} ${operation.target.name}: ${text}`)).concat('\n'))
  }
  return {
    show(operation) {
      const fresh = freshLines(log, operation.log)
      log = operation.log
      const sinceSaid = io.now() - saidAt
      const worth = every ? fresh : operation.state === 'running' && sinceSaid >= calmMs ? fresh.slice(-1) : []
      for (const line of worth) say(operation, line.trimEnd())
      if (operation.state === 'running' && io.now() - saidAt >= heartbeatMs) {
        say(operation, `still at it, ${durationText(io.now() - started)}`)
      }
    },
    [Symbol.dispose]() {},
  }
}
