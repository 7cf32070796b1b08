/** Guests' uids: /etc/subuid and /etc/subgid give them to root, and to nobody else. */
import type { Finding } from '../../api/resources.ts'
import { covers, type IdRange, lineOf, overlapping, ownRange, parseRanges } from '../hostprep/subordinate.ts'
import { ok, red, type Theme } from './finding.ts'
import type { Look } from './look.ts'

export interface IdFacts {
  readonly own: IdRange
  /** By file. */
  readonly ranges: ReadonlyMap<string, readonly IdRange[]>
}

export const idFiles = ['/etc/subuid', '/etc/subgid'] as const

export const subordinateIds: Theme = {
  name: 'subuid',
  examine: async (look, { open }) => judgeIds(await readIds(look, open?.parts.host.uidBase)),
}

export function judgeIds({ own, ranges }: IdFacts): Finding[] {
  const wrong = [...ranges].flatMap(([file, lines]) => {
    const clashes = overlapping(lines, own).map((other) =>
      red(
        'subuid',
        `${file}: ${lineOf(other)} shares ids with croft’s ${lineOf(own)}`,
        `give ${other.owner} another range in ${file}`,
      ),
    )
    const missing = covers(lines, own)
      ? []
      : [red('subuid', `${file} has no line ${lineOf(own)}`, 'croft doctor --fix subuid')]
    return [...clashes, ...missing]
  })
  return wrong.length > 0
    ? wrong
    : [ok('subuid', `${lineOf(own)} in ${[...ranges.keys()].join(' and ')}, clear of all others`)]
}

export async function readIds(look: Look, uidBase?: number): Promise<IdFacts> {
  const ranges = new Map<string, readonly IdRange[]>()
  for (const file of idFiles) ranges.set(file, parseRanges((await look.text(file)) ?? ''))
  return { own: ownRange(uidBase), ranges }
}
