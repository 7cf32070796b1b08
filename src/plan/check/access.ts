/** Who may come, as it is wished: said by itself, so that a page that nobody was to see is not taken for a site that works. Pure. */
import type { Finding } from '../../api/resources.ts'
import type { CheckSubject } from './facts.ts'
import { sumUp, warn } from './finding.ts'

/** Undefined: everybody may, which is nothing to tell. */
export function judgeAccess({ name, access }: CheckSubject): Finding | undefined {
  const { maintenance, users, allow, deny, operators } = access
  const told = [
    ...(users.length === 0 ? [] : [`a password is asked for (${few(users)})`]),
    ...(allow.length === 0 ? [] : [`only ${few(allow)} may come`]),
    ...(deny.length === 0 ? [] : [`${few(deny)} may not come`]),
  ].join('; ')
  if (!maintenance) return told === '' ? undefined : sumUp('access', [], told)
  const back = `croft route set ${name} maintenance=no`
  const some = operators.length > 0
  const who = some ? `all but edge-operators (${few(operators)})` : 'everybody, for edge-operators is empty,'
  const page = `${who} get the maintenance page${told === '' ? '' : `; ${told}`}`
  return sumUp('access', [warn(page, some ? back : `croft farm set edge-operators=NETWORK, or ${back}`)], '')
}

/** What this host was answered is by these rules, and tells nothing of what is behind them. */
export const isByRule = (status: number, { maintenance, users, allow, deny }: CheckSubject['access']): boolean =>
  (status === 503 && maintenance) ||
  (status === 401 && users.length > 0) ||
  (status === 403 && (allow.length > 0 || deny.length > 0))

const most = 3
const few = (words: readonly string[]): string =>
  words.length > most ? `${words.slice(0, most).join(', ')} and ${words.length - most} more` : words.join(', ')
