import type { Command, Runner } from '../../exec/command.ts'

/** All that a command prints: what the runner keeps for itself is cut at a size that a full host exceeds. */
export async function whole(run: Runner, command: Command): Promise<string> {
  const lines: string[] = []
  const kept = await run.run(command, { onLine: (line) => lines.push(line) })
  return lines.length === 0 ? kept : lines.join('\n')
}
