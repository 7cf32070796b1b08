import type { Command, Runner } from '../../exec/command.ts'
import { storageFailed } from './parse.ts'

/** Like the runner's own `run`, but a full pool is told apart. */
export async function runOrThrow(run: Runner, command: Command): Promise<string> {
  const outcome = await run.outcome(command)
  if (outcome.code !== 0) throw storageFailed(command, outcome)
  return outcome.stdout
}
