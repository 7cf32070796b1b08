/** Rules of a guest's firewall as people write them: `from pg tcp/5432`. Pure. */
import { CroftError } from '../../api/errors.ts'
import type { NewRule, Rule } from '../../api/guest.ts'

/** Direction, who, and what, which may be left out. */
export function parseRule(words: readonly string[]): Pick<NewRule, 'direction' | 'peer' | 'service'> {
  const [way, peer, service = 'any', ...more] = words
  if ((way !== 'from' && way !== 'to') || peer === undefined || more.length > 0) {
    throw new CroftError('USAGE', `"${words.join(' ')}" is not a rule`, {
      hint: 'from pg tcp/5432, to 1.1.1.1 tcp/443',
    })
  }
  return { direction: way === 'from' ? 'in' : 'out', peer, service }
}

/** As `croft allow GUEST` and `croft deny GUEST` take them. */
export const ruleWords = ({ action, direction, peer, service }: Omit<Rule, 'log'>): string[] => [
  action,
  direction === 'in' ? 'from' : 'to',
  peer,
  serviceText(service),
]

export function serviceText({ protocol, from, to }: Rule['service']): string {
  if (from === undefined) return protocol
  return to === undefined || to === from ? `${protocol}/${from}` : `${protocol}/${from}-${to}`
}
