/** The last words of an instance's daemons, before it is taken away. */

import { daemonUnit } from '../../plan/units/daemon.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { Inside } from '../host/inside.ts'
import type { SiteNow } from './site-now.ts'

const mostLines = 20
const patienceMs = 10_000

interface Whose {
  readonly name: string
  /** The daemon that was not well; undefined: all of them. */
  readonly asked: string | undefined
  readonly signal: AbortSignal
}

/** What the daemon itself said; of one that said nothing, what is said of it. */
export async function lastLines(daemon: Daemon, now: SiteNow, { name, asked, signal }: Whose): Promise<string[]> {
  const member = now.members?.value.members.find((each) => each.name === name)
  if (!member) return []
  const { inside } = getFarm(daemon).parts
  if (asked === undefined) return linesOfUnit(inside, member.number, { unit: 'app-*', signal })
  const unit = daemonUnit(asked)
  const own = await linesOf(inside, member.number, { match: `_SYSTEMD_UNIT=${unit}`, signal })
  return own.length > 0 ? own : linesOfUnit(inside, member.number, { unit, signal })
}

/** Of one that does not run, or says nothing, there are none. */
export const linesOfUnit = (
  inside: Inside,
  number: number,
  { unit, signal }: { readonly unit: string; readonly signal: AbortSignal },
): Promise<string[]> => linesOf(inside, number, { match: `--unit=${unit}`, signal })

async function linesOf(
  inside: Inside,
  number: number,
  { match, signal }: { readonly match: string; readonly signal: AbortSignal },
): Promise<string[]> {
  const words = ['journalctl', '--no-pager', '--quiet', '--output=cat', match, `--lines=${mostLines}`]
  try {
    const { code, lines } = await inside.run(number, words, { signal, timeoutMs: patienceMs, maxBytes: 1024 ** 2 })
    return code === 0 ? lines.slice(-mostLines).map((line) => line.slice(0, 500)) : []
  } catch {
    return []
  }
}
