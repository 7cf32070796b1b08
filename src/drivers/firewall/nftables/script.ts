/** Text for `nft -f -`: one transaction each. Pure; its input was checked by `checkModel`. */
import { arpOwn, type Contents, type Elements } from './elements.ts'
import { arpRules, everyGuest, gate, gateRules } from './rules.ts'

/** Bytes that may pass at once, whatever the rate: one coalesced packet must fit. */
const burstBytes = 131_072

/** Both tables anew, the gate shut. Taking away and adding are one transaction: there is no moment without rules. */
export function wholeScript(table: string, inetRules: string, contents: Contents): string {
  return lines([
    ...['inet', 'arp'].flatMap((family) => [`add table ${family} ${table}`, `delete table ${family} ${table}`]),
    ...[`table inet ${table} {`, inetRules, '}', `table arp ${table} {`, arpRules, '}'],
    ...gateRules(everyGuest).map((rule) => `add rule inet ${table} gate ${rule}`),
    ...[...contents.limits].map(([name, rate]) => addLimit(table, name, rate)),
    ...[...contents.sets].flatMap(([set, elements]) => change('add', table, set, elements)),
  ])
}

/** For these links, or for every guest whether the table stands or not. */
export function shutScript(table: string, links: readonly string[] | 'all'): string {
  const make = [`add table inet ${table}`, `table inet ${table} {`, ...gate, '}', `flush chain inet ${table} gate`]
  const shut = (links === 'all' ? [everyGuest] : links).flatMap(gateRules)
  return lines([...(links === 'all' ? make : []), ...shut.map((rule) => `add rule inet ${table} gate ${rule}`)])
}

export const openScript = (table: string): string => lines([`flush chain inet ${table} gate`])

export interface Difference {
  /** '' when nothing differs. */
  readonly script: string
  /** Links whose gate must be shut meanwhile: no order of sets is safe for them. */
  readonly shut: readonly string[]
}

/** Only what differs. */
export function difference(table: string, before: Contents, after: Contents): Difference {
  const none: Elements = new Map()
  const names = [...new Set([...before.sets.keys(), ...after.sets.keys()])]
  const changes = names.map((set): SetChange => {
    const [old, now] = [before.sets.get(set) ?? none, after.sets.get(set) ?? none]
    return { set, gone: minus(old, now), added: minus(now, old) }
  })
  const denies = changes.filter(({ set }) => set.startsWith('deny_'))
  const denied = denies.some(({ added }) => added.size > 0)
  const undenied = denies.flatMap(({ gone }) => [...gone.keys()])
  const rest = inSafeOrder(changes, denied).filter(({ set }) => !set.startsWith('rate_'))
  const script = lines([
    ...rates(table, before, after, changes),
    ...rest.flatMap(({ set, gone, added }) => [
      ...change('delete', table, set, gone),
      ...change('add', table, set, added),
    ]),
  ])
  return { script, shut: denied ? [...new Set(undenied.map(linkOfKey))] : [] }
}

interface SetChange {
  readonly set: string
  readonly gone: Elements
  readonly added: Elements
}

/** Sets come into force in the order they are named: new denials before what they limit, old ones after. */
function inSafeOrder(changes: readonly SetChange[], denied: boolean): SetChange[] {
  const rank = ({ set }: SetChange) => (set.startsWith('deny_') === denied ? 0 : 1)
  return changes.toSorted((a, b) => rank(a) - rank(b))
}

/** A limit object cannot go while an element points to it: where a rate changed, the element goes and comes back. */
function rates(table: string, before: Contents, after: Contents, changes: readonly SetChange[]): string[] {
  const gone = [...before.limits].filter(([name, rate]) => after.limits.get(name) !== rate)
  const added = [...after.limits].filter(([name, rate]) => before.limits.get(name) !== rate)
  const changed = new Set(gone.map(([name]) => name).filter((name) => after.limits.has(name)))
  const maps = ['rate_in', 'rate_out'].map((set) => {
    const found = changes.find((entry) => entry.set === set)
    const pointing = pointingTo(after.sets.get(set), changed)
    return {
      set,
      gone: new Map([...(found?.gone ?? []), ...pointing]),
      added: new Map([...(found?.added ?? []), ...pointing]),
    }
  })
  return [
    ...maps.flatMap((map) => change('delete', table, map.set, map.gone)),
    ...gone.map(([name]) => `delete limit inet ${table} ${name}`),
    ...added.map(([name, rate]) => addLimit(table, name, rate)),
    ...maps.flatMap((map) => change('add', table, map.set, map.added)),
  ]
}

export function destroyScript(table: string): string {
  return lines(['inet', 'arp'].flatMap((family) => [`add table ${family} ${table}`, `delete table ${family} ${table}`]))
}

const addLimit = (table: string, name: string, rate: number): string =>
  `add limit inet ${table} ${name} { rate over ${rate} bytes/second burst ${burstBytes} bytes; }`

function change(verb: 'add' | 'delete', table: string, set: string, elements: Elements): string[] {
  if (elements.size === 0) return []
  const words = [...elements].map(([key, value]) => (verb === 'delete' || value === '' ? key : `${key} : ${value}`))
  const where = set === arpOwn ? `arp ${table} own` : `inet ${table} ${set}`
  return [`${verb} element ${where} { ${words.join(', ')} }`]
}

const minus = (a: Elements, b: Elements): Elements => new Map([...a].filter(([key, value]) => b.get(key) !== value))

const pointingTo = (elements: Elements | undefined, limits: ReadonlySet<string>): [string, string][] =>
  [...(elements ?? [])].filter(([, value]) => limits.has(value.replaceAll('"', '')))

/** Keys of rules begin with the link, in quotes. */
const linkOfKey = (key: string): string => key.slice(0, key.indexOf('"', 1) + 1)

const lines = (parts: readonly string[]): string => parts.map((line) => `${line}\n`).join('')
