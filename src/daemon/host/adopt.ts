/**
 * What lies on the pools without a record gets one again, from the manifest beside it. A name that is taken meanwhile
 * gets the number behind it, and a count when that is taken too.
 */
import { isCode } from '../../api/errors.ts'
import { isUsableNumber } from '../../plan/addresses.ts'
import { movePromise, nothingPromised, promiseOf } from '../../plan/promised.ts'
import { historyWrites } from '../../store/history.ts'
import type { Compare, Write } from '../../store/store.ts'
import { timestamp } from '../env.ts'
import { freeName } from '../records/guests.ts'
import { keys } from '../records/keys.ts'
import { awaitedNumbers } from '../records/moves.ts'
import {
  type GuestRecord,
  type NumbersRecord,
  read,
  readAll,
  schemaVersion,
  type TemplateRecord,
} from '../records/records.ts'
import { readGuestManifest, readTemplateManifest } from './manifest.ts'
import type { HostParts } from './parts.ts'

export async function adoptOrphans(parts: HostParts, by: string): Promise<string[]> {
  const adopted: string[] = []
  const moving = await awaitedNumbers(parts.store, parts.host.name)
  for (const pool of parts.pools.names) {
    if (!(await parts.pools.state(pool)).mounted) continue
    const inventory = await parts.storage(pool).inventory()
    for (const { id, manifest } of inventory.templates) adopted.push(...(await adoptTemplate(parts, by, id, manifest)))
    for (const { number, roots, manifest } of inventory.guests.filter((guest) => !moving.has(guest.number)))
      adopted.push(...(await adoptGuest(parts, by, { pool, number, roots, manifest })))
  }
  return adopted
}

async function adoptTemplate(parts: HostParts, by: string, id: string, manifest: unknown): Promise<string[]> {
  const told = readTemplateManifest(manifest)
  const known = await readAll<TemplateRecord>(parts.store, keys.templates)
  if (known.some(({ value }) => value.id === id)) return []
  const other = `adopted:${id.slice(0, 8)}`
  const ref = told && !known.some(({ value }) => value.ref === told.ref) ? told.ref : other
  const source = told?.source ?? { from: 'unknown', packages: [] }
  const created = told?.created ?? timestamp(parts.env)
  const record: TemplateRecord = { schema: schemaVersion, ref, id, created, source, host: parts.host.name }
  await commit(
    parts,
    by,
    { kind: 'template', name: ref, after: source },
    [{ key: keys.template(ref), revision: 0 }],
    [{ put: keys.template(ref), value: record }],
  )
  return [ref]
}

async function adoptGuest(
  parts: HostParts,
  by: string,
  found: { pool: string; number: number; roots: readonly string[]; manifest: unknown },
): Promise<string[]> {
  const { host, store } = parts
  const key = keys.guest(host.name, found.number)
  const [rootId] = found.roots
  if ((await read(store, key)) || rootId === undefined || !isUsableNumber(found.number)) return []
  const told = readGuestManifest(found.manifest)
  if (!told) {
    parts.log.warn(
      { number: found.number, pool: found.pool },
      'not adopted: its manifest is missing or not one of croft',
    )
    return []
  }
  const root = found.roots.includes(told.spec.root.id) ? told.spec.root : { ...told.spec.root, id: rootId }
  const numbers = await read<NumbersRecord>(store, keys.numbers(host.name))
  if (!numbers) return []
  const guests = await readAll<GuestRecord>(store, keys.guests(host.name))
  // Its own slot was kept for it when it was found.
  const slots = new Set(guests.map(({ value }) => value.slot))
  const mayKeep = told.slot >= 0 && !slots.has(told.slot)
  const slot = mayKeep
    ? told.slot
    : [...Array(4095).keys()].find((n) => !slots.has(n) && !numbers.value.slots.includes(n))
  if (slot === undefined) return []
  const { name, free } = await findName(parts, told.name, found.number)
  const record: GuestRecord = {
    ...told,
    schema: schemaVersion,
    name,
    slot,
    number: found.number,
    host: host.name,
    spec: { ...told.spec, root, pool: found.pool, network: 'default', ports: [] },
  }
  const block = found.number >> 8
  const { promised } = numbers.value
  const value: NumbersRecord = {
    ...numbers.value,
    blocks: numbers.value.blocks.includes(block) ? numbers.value.blocks : [...numbers.value.blocks, block],
    used: [...new Set([...numbers.value.used, found.number])],
    slots: [...new Set([...numbers.value.slots, slot])],
    resting: numbers.value.resting.filter(([n]) => n !== found.number),
    ...(promised ? { promised: movePromise(promised, nothingPromised, promiseOf(record.spec)) } : {}),
  }
  const writes: Write[] = [
    { put: key, value: record },
    { put: keys.name(name), value: { kind: 'guest', host: host.name, number: found.number } },
    { put: numbers.key, value },
    {
      put: keys.guestStatus(host.name, found.number),
      value: {
        state: 'stopped',
        generation: 0,
        since: timestamp(parts.env),
        name,
        rootId: root.id,
        restarts: told.spec.restarts,
      },
    },
  ]
  await commit(
    parts,
    by,
    { kind: 'guest', name, after: record.spec },
    [{ key, revision: 0 }, { key: numbers.key, revision: numbers.revision }, ...free],
    writes,
  )
  return [name]
}

async function findName(
  parts: HostParts,
  told: string,
  number: number,
): Promise<{ name: string; free: readonly Compare[] }> {
  for (let count = 0; ; count++) {
    const end = ['', `-${number}`][count] ?? `-${number}-${count}`
    const name = `${told.slice(0, 63 - end.length)}${end}`
    try {
      return { name, free: await freeName(parts, name) }
    } catch (thrown) {
      if (!isCode(thrown, 'EXISTS')) throw thrown
    }
  }
}

async function commit(
  parts: HostParts,
  by: string,
  what: { kind: string; name: string; after: unknown },
  compare: Compare[],
  writes: Write[],
): Promise<void> {
  const history = historyWrites(
    { at: timestamp(parts.env), by, verb: 'adopt', before: null, ...what },
    parts.env.id().slice(0, 8),
  )
  await parts.store.transact(compare, [...writes, ...history])
}
