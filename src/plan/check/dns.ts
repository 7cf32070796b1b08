/** Do the names of a route lead to the edge? Pure. */
import type { Finding } from '../../api/resources.ts'
import { contains, parseRange } from '../firewall/ranges.ts'
import { type DnsAnswer, type DnsFacts, type EdgeFacts, failed } from './facts.ts'
import { red, sumUp, type Trouble, warn } from './finding.ts'

/** The CLI's own words for where the edge is reached. */
export const setAddresses = 'croft farm set edge-addresses=ADDRESS'

export function judgeDns(dns: readonly DnsFacts[], edge: EdgeFacts): Finding {
  const fine = [...new Set(dns.flatMap(({ v4, v6 }) => [...addressesOf(v4), ...addressesOf(v6)]))]
  return sumUp('dns', worstOfNames(dns, edge), `${namesText(dns)} → ${fine.join(', ')}`)
}

/** Servers that say the same are told once. */
function worstOfNames(dns: readonly DnsFacts[], edge: EdgeFacts): Trouble[] {
  return [...Map.groupBy(dns, ({ name }) => name).values()].flatMap((asked) => {
    const judged = asked.map((facts) => ({ facts, trouble: judgeAnswer(facts, edge) }))
    const told = judged.filter(({ facts }) => !failed(facts.v4) || !failed(facts.v6))
    const silent = judged.find(({ facts }) => failed(facts.v4) && failed(facts.v6))
    if (told.length === 0) return silent?.trouble ? [silent.trouble] : []
    const wrong = told.find(({ trouble }) => trouble?.verdict === 'red') ?? told.find(({ trouble }) => trouble)
    if (!wrong?.trouble) return []
    const differs = told.length > 1 && told.some(({ trouble }) => !trouble)
    return [
      differs
        ? { ...wrong.trouble, evidence: `${wrong.trouble.evidence} (${wrong.facts.server} says so)` }
        : wrong.trouble,
    ]
  })
}

function judgeAnswer({ name, server, v4, v6 }: DnsFacts, edge: EdgeFacts): Trouble | undefined {
  if (failed(v4) && failed(v6))
    return warn(
      `name server ${server} could not tell ${name}: ${v4.failure}`,
      `croft doctor, or croft farm set resolvers=ADDRESS`,
    )
  const own4 = edge.addresses.some((each) => parseRange(each)?.family === 4)
  if (addressesOf(v4).length + addressesOf(v6).length === 0)
    return red(`${name} has no address in DNS`, setRecords(name, edge))
  return (
    judgeFamily({ name, family: 4, answer: v4 }, edge) ??
    judgeFamily({ name, family: 6, answer: v6 }, edge) ??
    (!failed(v4) && v4.addresses.length === 0 && own4
      ? warn(`${name} has no IPv4 address in DNS: most visitors need one`, setRecords(name, edge))
      : undefined)
  )
}

interface FamilySeen {
  readonly name: string
  readonly family: 4 | 6
  readonly answer: DnsAnswer
}

function judgeFamily({ name, family, answer }: FamilySeen, edge: EdgeFacts): Trouble | undefined {
  if (failed(answer) || answer.addresses.length === 0) return undefined
  const foreign = answer.addresses.filter((address) => !isIn(address, edge.addresses))
  if (foreign.length === 0) return undefined
  const kept = answer.ttlSeconds > 0 ? `, and is kept so for ${answer.ttlSeconds} s at most` : ''
  const evidence = `${name} points to ${foreign.join(', ')}${kept}`
  if (!edge.certain[family])
    return warn(
      `${evidence}; this host has ${edge.addresses.join(', ') || 'no address'}`,
      `behind NAT: ${setAddresses}`,
    )
  if (foreign.length < answer.addresses.length)
    return warn(`${evidence}, which is not this edge`, setRecords(name, edge))
  return red(`${evidence}, which is not this edge`, setRecords(name, edge))
}

function isIn(address: string, own: readonly string[]): boolean {
  const one = parseRange(address)
  return own.some((text) => {
    const range = parseRange(text)
    return one !== undefined && range !== undefined && contains(range, one)
  })
}

function setRecords(name: string, { addresses }: EdgeFacts): string {
  const records = addresses.map((address) => `${parseRange(address)?.family === 6 ? 'AAAA' : 'A'} ${address}`)
  if (records.length === 0) return setAddresses
  return `at whoever serves its DNS, set ${records.join(' and ')} for ${name}`
}

const addressesOf = (answer: DnsAnswer): readonly string[] => (failed(answer) ? [] : answer.addresses)

function namesText(dns: readonly DnsFacts[]): string {
  const names = new Set(dns.map(({ name }) => name))
  return names.size === 1 ? ([...names][0] ?? '') : `${names.size} names`
}
