/**
 * What this croft is called and can. For tests of hosts that differ, CROFT_PRETEND=0.0.9:carry,instances makes it an older
 * one: it says so, does not answer what it says that it cannot, and opens no store that needs it.
 */
import { abilities, type Release } from '../plan/versions.ts'
import { version } from '../version.ts'

export function releaseFrom({ CROFT_PRETEND: pretended }: NodeJS.ProcessEnv): Release {
  const all = Object.keys(abilities)
  const [, called, list] = /^([0-9][\w.~+-]{0,60}):([a-z,-]*)$/.exec(pretended ?? '') ?? []
  if (called === undefined || list === undefined) return { version, abilities: all }
  return { version: called, abilities: all.filter((each) => list.split(',').includes(each)) }
}

/** A croft that lacks an ability has no route for it. */
export async function routesBeyond(own: readonly string[] | undefined): Promise<ReadonlySet<string>> {
  if (own === undefined || Object.keys(abilities).every((each) => own.includes(each))) return new Set()
  const { whose } = await import('./peers/whose.ts')
  const rows = Object.entries(whose).filter(([, { needs }]) => needs !== undefined && !own.includes(needs))
  return new Set(rows.map(([name]) => name))
}
