/** How far a transfer is, on stderr: after a second one live line on a terminal, elsewhere a line each 30 s. */
import type { Context } from '../context.ts'
import { bytesText, durationText } from '../screen/cells.ts'
import { cut, signs } from '../screen/style.ts'

export interface Meter extends Disposable {
  readonly bytes: number
  add(count: number): void
}

const paintMs = 500
const heartbeatMs = 30_000

export function createMeter(context: Context, what: string): Meter {
  const { io, style } = context
  const live = io.stderr.tty
  const started = io.now()
  let saidAt = started
  let painted = false
  let bytes = 0
  const say = () => {
    const ms = Math.max(1, io.now() - started)
    const text = `${what}  ${bytesText(bytes)}  ${durationText(ms)}  ${bytesText(Math.round((bytes * 1000) / ms))}/s`
    const line = cut(signs(style, live ? `◐ ${text}` : text), (style.columns ?? 80) - 1, signs(style, '…'))
    io.stderr.write(live ? `\r${line}\u001b[K` : `${line}\n`)
    painted = live
    saidAt = io.now()
  }
  return {
    get bytes() {
      return bytes
    },
    add(count) {
      bytes += count
      const since = io.now() - saidAt
      if (!context.flags.has('quiet') && since >= (live ? paintMs : heartbeatMs)) say()
    },
    [Symbol.dispose]() {
      if (painted) io.stderr.write('\r\u001b[K')
    },
  }
}
