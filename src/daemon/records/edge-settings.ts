/** The farm's settings of its edge, and what a change of them reserves. */
import type { EdgeChange, EdgeSettings } from '../../api/edge.ts'
import { CroftError } from '../../api/errors.ts'
import type { PlannedStep } from '../../api/resources.ts'
import { parseListen } from '../../api/values.ts'
import { isPreview } from '../../plan/domains.ts'
import { listensOf } from '../../plan/edge.ts'
import type { Compare, Write } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import { movePorts } from './edge-ports.ts'
import { keys } from './keys.ts'
import { type DomainRecord, readAll } from './records.ts'

/** What was not said stays; null takes away. */
export function applyEdgeChange(
  before: EdgeSettings = {},
  change: EdgeChange = {},
  acmeNear?: true | undefined,
): EdgeSettings {
  const near = change.acmeDirectory === undefined ? {} : { acmeNear: acmeNear ?? null }
  const said = Object.entries({ ...change, ...near }).filter(([, value]) => value !== undefined)
  const next = Object.entries({ ...before, ...Object.fromEntries(said) })
  const after = Object.fromEntries(next.filter(([, value]) => !isNothing(value))) as EdgeSettings
  assertApart(after)
  return after
}

/** One port hears one of the two. */
function assertApart(settings: EdgeSettings): void {
  const { http, https } = listensOf(settings)
  const ports = new Set(http.map((text) => parseListen(text)?.port))
  const both = https.find((text) => ports.has(parseListen(text)?.port))
  const twice = [...http, ...https].find((text, index, all) => all.indexOf(text) !== index)
  if (both ?? twice) throw new CroftError('BAD_VALUE', `the edge cannot hear ${both ?? twice} twice`)
}

const isNothing = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0)

export async function moveEdge(
  daemon: Daemon,
  before: EdgeSettings | undefined,
  after: EdgeSettings | undefined,
): Promise<{ compare: Compare[]; writes: Write[] }> {
  if (after?.previewDomain !== before?.previewDomain) await assertFreeOfRoutes(daemon, after?.previewDomain)
  return movePorts(daemon, before, after)
}

/** Below the preview domain there are previews alone. */
async function assertFreeOfRoutes(daemon: Daemon, previewDomain: string | undefined): Promise<void> {
  const domains = await readAll<DomainRecord>(daemon.store, keys.domains)
  const taken = domains.find(({ key }) => isPreview(key.slice(keys.domains.length), previewDomain))
  if (!taken) return
  const route = taken.value.held[0]?.route ?? ''
  const host = taken.key.slice(keys.domains.length)
  throw new CroftError('EXISTS', `${host} is below ${previewDomain} and belongs to route "${route}"`, {
    hint: `croft route show ${route}`,
  })
}

/** A line for each setting that is another. */
export function differences(what: string, before: object, after: object): PlannedStep[] {
  const [old, next] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  const text = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value))
  return [...new Set([...old.keys(), ...next.keys()])]
    .filter((key) => text(old.get(key)) !== text(next.get(key)))
    .map((key) => ({ what, step: key, detail: `${text(old.get(key))} → ${text(next.get(key))}` }))
}
