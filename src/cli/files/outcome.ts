/** What is said when files have come or gone. What was left out is named: the rest is there, and the exit tells. */
import { CroftError, errorTable } from '../../api/errors.ts'
import type { Answer } from '../answer.ts'
import type { Context } from '../context.ts'
import { bytesText } from '../screen/cells.ts'
import type { LeftOut } from './unpack.ts'

const shownMost = 10

export interface Transferred {
  readonly from: string
  readonly to: string
  readonly bytes: number
  readonly leftOut: readonly LeftOut[]
}

/** Ctrl-C ends a transfer, unlike the watching of an operation. */
export async function untilInterrupted<T>(context: Context, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  using _ = context.io.onInterrupt(() => {
    controller.abort(new CroftError('CANCELLED', 'you stopped it; what was not whole was taken away'))
  })
  return await run(controller.signal)
}

export function transferred(context: Context, done: Transferred): Answer {
  const { leftOut } = done
  for (const { path, why } of leftOut.slice(0, shownMost)) context.say(`! left out ${path}: ${why}`)
  if (leftOut.length > shownMost) context.say(`! and ${leftOut.length - shownMost} more`)
  const seconds = (context.io.elapsedMs() / 1000).toFixed(2)
  const text = `${done.to}  ${bytesText(done.bytes)}  ${seconds} s`
  const results = [{ name: done.to, text, record: done }]
  if (leftOut.length === 0) return { kind: 'done', results }
  return { kind: 'done', results, exit: errorTable.PARTLY_FAILED.exit, hint: wayAround(done) }
}

/** Out of a guest its own tar has all of it, links too. */
function wayAround({ from, leftOut }: Transferred): string {
  const [, guest, path] = /^([^:]+):(\/.*)$/.exec(from) ?? []
  const told = `all but ${leftOut.length === 1 ? 'this one' : `these ${leftOut.length}`} came, so the exit is 6`
  return guest === undefined ? told : `${told}; with them: croft exec ${guest} -- tar -c ${path} >pulled.tar`
}
