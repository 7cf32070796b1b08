/**
 * Which croft each host has, and what the store needs of them, in one record: so that nothing is begun that needs all hosts
 * while one of them is put back to an older croft. Each host writes its own line when it opens the store.
 */
import { CroftError, isCode } from '../../api/errors.ts'
import {
  type Ability,
  abilities,
  lackOf,
  type Mixed,
  mixedVersions,
  noVersions,
  type Release,
  tooOldFor,
  tooOldText,
  type Versions,
} from '../../plan/versions.ts'
import type { Store } from '../../store/store.ts'
import { keys } from './keys.ts'
import { type Held, type HostRecord, read, readAll, schemaVersion } from './records.ts'

export type VersionsRecord = Versions & { readonly schema: number }

const tries = 50

export async function readVersions(store: Store): Promise<Versions> {
  return (await read<VersionsRecord>(store, keys.versions))?.value ?? noVersions
}

/** Before anything else of the store is used: REFUSED when it needs what this croft cannot. */
export async function enterVersions(store: Store, host: string, own: Release): Promise<void> {
  await change(store, (versions) => {
    assertEnough(versions, own)
    const { version, abilities: can } = own
    return { ...versions, hosts: { ...versions.hosts, [host]: { version, abilities: can } } }
  })
}

export function assertEnough(versions: Versions, { version, abilities: can }: Release): void {
  const lack = lackOf(versions, { abilities: can })
  if (lack === undefined) return
  throw new CroftError(
    'REFUSED',
    `the farm has gone on to what croft ${version} on this host cannot: ${nameOf(lack)}`,
    { hint: 'upgrade croft on this host: apt-get install croft (docs/guides/upgrading.md)' },
  )
}

/** A host that is about to be let in. */
export function assertComerCan(needs: readonly string[], { name, ...own }: Release & { readonly name: string }): void {
  const lack = lackOf({ needs }, own)
  if (lack === undefined) return
  throw new CroftError('HOST_TOO_OLD', `${name} (croft ${own.version}) cannot do this yet: ${nameOf(lack)}`, {
    hint: `upgrade croft on ${name}, then: croft join TOKEN`,
  })
}

/** From now on the store may hold what only who can this understands. HOST_TOO_OLD while a host of the farm cannot. */
export async function stepTo(store: Store, ability: Ability): Promise<void> {
  await change(store, async (versions) => {
    if (versions.needs.includes(ability)) return versions
    const names = (await readAll<HostRecord>(store, keys.hosts)).map(({ value }) => value).filter(isThere)
    assertAllCan(
      ability,
      versions,
      names.map(({ name }) => name),
    )
    const hosts = Object.fromEntries(names.flatMap(({ name }) => lineOf(versions, name)))
    return { ...versions, hosts, needs: [...versions.needs, ability] }
  })
}

const isThere = ({ dead }: HostRecord): boolean => dead === undefined
const lineOf = ({ hosts }: Versions, name: string): readonly [string, Release][] =>
  hosts[name] === undefined ? [] : [[name, hosts[name]]]

export function assertAllCan(ability: Ability, versions: Versions, hosts: readonly string[]): void {
  const old = tooOldFor(ability, versions, hosts)
  const [first] = old
  if (first === undefined) return
  throw new CroftError('HOST_TOO_OLD', `${tooOldText(old)} cannot do this yet: ${nameOf(ability)}`, {
    hint: `upgrade croft on ${first.host} (docs/guides/upgrading.md)`,
  })
}

/** Also of one that this croft has never heard of. */
const nameOf = (ability: string): string => (abilities as Readonly<Record<string, string>>)[ability] ?? ability

/** While hosts of the farm have different ones. */
export async function findMixed(store: Store): Promise<Mixed | undefined> {
  const hosts = (await readAll<HostRecord>(store, keys.hosts)).map(({ value }) => value).filter(isThere)
  return hosts.length < 2
    ? undefined
    : mixedVersions(
        await readVersions(store),
        hosts.map(({ name }) => name),
      )
}

async function change(store: Store, to: (versions: Versions) => Versions | Promise<Versions>): Promise<void> {
  for (let count = 1; ; count++) {
    const held: Held<VersionsRecord> | undefined = await read(store, keys.versions)
    const before = held?.value ?? { schema: schemaVersion, ...noVersions }
    const after = { ...before, ...(await to(before)) }
    if (JSON.stringify(after) === JSON.stringify(before)) return
    try {
      await store.transact(
        [{ key: keys.versions, revision: held?.revision ?? 0 }],
        [{ put: keys.versions, value: after }],
      )
      return
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || count >= tries) throw thrown
    }
  }
}
