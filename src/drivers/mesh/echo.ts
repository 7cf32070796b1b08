import type { Command, Runner } from '../exec/command.ts'

const echo = (address: string): Command => ({
  file: 'ping',
  args: ['-q', '-n', '-c', '1', '-W', '0.5', address],
  timeoutMs: 10_000,
})

/** No answer, a host on the way that knows no further, and an address that cannot be reached at all are one thing here. */
export const answersEcho = async (run: Runner, address: string): Promise<boolean> =>
  (await run.outcome(echo(address))).code === 0
