/** Questions. They default to no; what destroys data asks for the name; without a terminal none is asked. */
import { CroftError } from '../../api/errors.ts'
import type { Context } from '../context.ts'
import { oneLine } from './escape.ts'

/** Returns when `name` was typed, or --yes given. */
export async function confirmName(context: Context, name: string, what: string): Promise<void> {
  if (context.flags.has('yes') || context.flags.has('dry-run')) return
  requireTerminal(context, what)
  const answer = await context.io.ask(`${oneLine(what)}. Type ${oneLine(name)} to go on: `)
  if (answer?.trim() !== name) throw new CroftError('NEEDS_CONFIRMATION', 'not confirmed; nothing was done')
}

export async function confirm(context: Context, question: string): Promise<boolean> {
  if (context.flags.has('yes')) return true
  if (!canAsk(context)) return false
  const answer = await context.io.ask(`${oneLine(question)} [y/N] `)
  return /^y(es)?$/i.test(answer?.trim() ?? '')
}

export const canAsk = (context: Context): boolean => context.io.stdinTty && context.io.stderr.tty

function requireTerminal(context: Context, what: string): void {
  if (canAsk(context)) return
  throw new CroftError('NEEDS_CONFIRMATION', `${what}, and there is no terminal to ask on`, { hint: 'say --yes' })
}
