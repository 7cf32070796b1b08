/** The last words of an instance's daemons, before it is taken away. */
import { type Daemon, getFarm } from '../daemon.ts'
import type { Inside } from '../host/inside.ts'
import type { SiteNow } from './site-now.ts'

const mostLines = 20
const patienceMs = 10_000

export async function lastLines(daemon: Daemon, now: SiteNow, name: string, signal: AbortSignal): Promise<string[]> {
  const member = now.members?.value.members.find((each) => each.name === name)
  if (!member) return []
  return linesOfUnit(getFarm(daemon).parts.inside, member.number, { unit: 'app-*', signal })
}

/** Of one that does not run, or says nothing, there are none. */
export async function linesOfUnit(
  inside: Inside,
  number: number,
  { unit, signal }: { readonly unit: string; readonly signal: AbortSignal },
): Promise<string[]> {
  const words = ['journalctl', '--no-pager', '--quiet', '--output=cat', `--unit=${unit}`, `--lines=${mostLines}`]
  try {
    const { code, lines } = await inside.run(number, words, { signal, timeoutMs: patienceMs, maxBytes: 1024 ** 2 })
    return code === 0 ? lines.slice(-mostLines).map((line) => line.slice(0, 500)) : []
  } catch {
    return []
  }
}
