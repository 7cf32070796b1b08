/** `nft -j list table` read back: the rules as a text that changes only when they do, and the elements as we write them. */
import { z } from 'zod'
import { elementId } from './elements.ts'

export interface Listing {
  /** Sets' declarations, chains and rules, without elements, counts and handles. */
  readonly rules: string
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly limits: ReadonlyMap<string, number>
  /** `set key` → packets. */
  readonly packets: ReadonlyMap<string, number>
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
type Fields = { readonly [key: string]: Json }

const Output = z.object({ nftables: z.array(z.record(z.string(), z.custom<Json>())) })

export function parseListing(text: string): Listing {
  const rules: unknown[] = []
  const sets = new Map<string, ReadonlyMap<string, string>>()
  const limits = new Map<string, number>()
  const packets = new Map<string, number>()
  for (const entry of Output.parse(JSON.parse(text)).nftables) {
    const [kind = '', fields] = Object.entries(entry)[0] ?? []
    if (kind === 'metainfo' || !isFields(fields)) continue
    if (kind === 'limit') limits.set(String(fields.name), bytesASecond(fields))
    else if ((kind === 'set' || kind === 'map') && !filledByPackets(fields))
      sets.set(String(fields.name), readElements(fields, packets))
    if (kind !== 'limit') rules.push({ [kind]: withoutCounts(fields) })
  }
  return { rules: JSON.stringify(rules), sets, limits, packets }
}

/** What packets put into a set by themselves is not ours to compare. nft of Debian 12 does not tell which those are. */
const filledByPackets = ({ name }: Fields): boolean => String(name).startsWith('names_')

function readElements(set: Fields, packets: Map<string, number>): Map<string, string> {
  const elements = new Map<string, string>()
  for (const element of isList(set.elem) ? set.elem : []) {
    const [left, value] = set.map !== undefined && isList(element) ? element : [element, '']
    const inner = isFields(left) && isFields(left.elem) ? left.elem : undefined
    const key = word(inner ? inner.val : left)
    elements.set(key, value === '' ? '' : word(value))
    const counter = inner?.counter
    if (isFields(counter)) packets.set(elementId(String(set.name), key), Number(counter.packets))
  }
  return elements
}

/** One key or value, spelled as in the script. Names stand in quotes there, protocols and verdicts do not. */
function word(json: Json | undefined): string {
  if (typeof json === 'number') return String(json)
  if (typeof json === 'string') return /^(croft|in_|out_)\d+$/.test(json) ? `"${json}"` : json
  if (!isFields(json)) return JSON.stringify(json)
  if (isList(json.concat)) return json.concat.map(word).join(' . ')
  if (isList(json.range)) return json.range.map(word).join('-')
  if (isFields(json.prefix)) return `${word(json.prefix.addr)}/${word(json.prefix.len)}`
  const [verdict = '', target] = Object.entries(json)[0] ?? []
  return isFields(target) ? `${verdict} ${word(target.target)}` : verdict
}

const units: Record<string, number> = { bytes: 1, kbytes: 1024, mbytes: 1024 ** 2 }

function bytesASecond({ rate, rate_unit: unit, per, inv }: Fields): number {
  const factor = units[String(unit)]
  return factor === undefined || per !== 'second' || inv !== true ? Number.NaN : Number(rate) * factor
}

/** Handles and counts move by themselves; elements are compared apart. */
function withoutCounts(json: Json): Json {
  if (isList(json)) return json.map(withoutCounts)
  if (!isFields(json)) return json
  const kept = Object.entries(json).filter(([key]) => !['handle', 'elem', 'packets', 'bytes'].includes(key))
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutCounts(value)]))
}

const isList = (json: Json | undefined): json is readonly Json[] => Array.isArray(json)
const isFields = (json: Json | undefined): json is Fields =>
  typeof json === 'object' && json !== null && !Array.isArray(json)
