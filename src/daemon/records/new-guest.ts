/** The making of a guest's record: number, slot, name and ports are reserved in the transaction that writes it. */
import type { SeedFile } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { GuestSpec, Limits, RootSource } from '../../api/guest.ts'
import type { Placed } from '../../api/placement.ts'
import { reserveFound, takeNumber } from '../../plan/numbers.ts'
import { promiseOf } from '../../plan/promised.ts'
import type { Compare, Write } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import { isFound } from '../host/found.ts'
import type { HostParts } from '../host/parts.ts'
import { moveAddresses } from './addresses.ts'
import { readBlocks } from './blocks.ts'
import { type Change, commit } from './change.ts'
import { freeName } from './guests.ts'
import { keys } from './keys.ts'
import { assertFew, movePorts } from './ports.ts'
import { reserve } from './promises.ts'
import {
  type GuestRecord,
  type Held,
  type HostRecord,
  type NameRecord,
  type NumbersRecord,
  read,
  schemaVersion,
} from './records.ts'
import { seedWrite } from './seeds.ts'

export interface GuestPlan {
  readonly name: string
  readonly spec: Omit<GuestSpec, 'root'>
  readonly from: RootSource
  /** What must still be so when it is written: the template or snapshot that it comes from. */
  readonly compare: readonly Compare[]
  readonly verb: 'create' | 'clone'
  /** Sealed, in the same transaction. */
  readonly seed?: readonly SeedFile[]
  /** Whose it shall be; this host's without. */
  readonly host?: string
  /** Why it is put there. */
  readonly placed?: Placed
}

/** Reads what there is and gives the change; the record's ids are made once, so that a second try is the same guest. */
export async function newGuestChange(
  daemon: Daemon,
  plan: GuestPlan,
  ids: { readonly id: string; readonly root: string },
): Promise<{ change: Change; record: GuestRecord }> {
  const { parts } = getFarm(daemon)
  const host = await getTaking(daemon, plan.host ?? parts.host.name)
  const { name: hostName } = host.value
  const name = await freeName(daemon, plan.name)
  const numbers = await read<NumbersRecord>(daemon.store, keys.numbers(hostName))
  const lease = numbers && (await leaseNumber(daemon, hostName, numbers.value))
  const taken = lease?.taken
  if (!numbers || !taken)
    throw new CroftError('LIMIT_REACHED', `host ${hostName} has no number left for another guest`, {
      hint: 'croft ls',
    })
  const record: GuestRecord = {
    schema: schemaVersion,
    name: plan.name,
    number: taken.number,
    slot: taken.slot,
    id: ids.id,
    host: hostName,
    generation: 1,
    created: timestamp(daemon.env),
    ...(plan.placed === undefined ? {} : { placed: plan.placed }),
    spec: {
      ...plan.spec,
      root: { id: ids.root, from: plan.from },
      // Of this root alone.
      ...(plan.seed === undefined ? {} : { seed: ids.root }),
    },
  }
  const room = await reserve(parts, host, numbers.value, { after: promiseOf(plan.spec) })
  assertFew({}, plan.spec)
  const ports = await movePorts(daemon, record, [], plan.spec.ports)
  const addresses = await moveAddresses(daemon, record, [], plan.spec.addresses)
  const key = keys.guest(hostName, taken.number)
  const change: Change = {
    kind: 'guest',
    name: plan.name,
    verb: plan.verb,
    before: null,
    after: record.spec,
    compare: [
      ...plan.compare,
      { key: numbers.key, revision: numbers.revision },
      ...lease.compare,
      ...room.compare,
      ...name,
      { key, revision: 0 },
      ...ports.compare,
      ...addresses.compare,
    ],
    writes: [
      { put: key, value: record },
      {
        put: keys.name(plan.name),
        value: { kind: 'guest', host: hostName, number: taken.number } satisfies NameRecord,
      },
      { put: numbers.key, value: { ...taken.numbers, promised: room.promised } },
      ...lease.writes,
      ...(plan.seed === undefined
        ? []
        : [await seedWrite({ ...parts, host: host.value }, taken.number, { id: ids.root, files: plan.seed })]),
      ...ports.writes,
      ...addresses.writes,
    ],
    goal: { kind: 'guest', number: taken.number },
    host: record.host,
  }
  return { change, record }
}

/** Of those that are asked for at once one after another is written. */
export const commitNewGuest: typeof commit = (daemon, ...rest) =>
  getFarm(daemon).numbering.take(() => commit(daemon, ...rest))

/** A host that may be given guests now. */
async function getTaking(daemon: Daemon, name: string): Promise<Held<HostRecord>> {
  const host = await read<HostRecord>(daemon.store, keys.host(name))
  if (!host) throw new CroftError('NOT_FOUND', `no host "${name}"`, { hint: 'croft host ls' })
  const { drained, witness, dead } = host.value
  const why = dead ? 'was declared dead' : witness ? 'votes, and runs nothing' : drained ? 'is drained' : undefined
  if (why === undefined) return host
  const hint = why === 'is drained' ? `croft host undrain ${name}` : 'croft host ls'
  throw new CroftError('NO_ROOM', `host ${name} ${why}: it takes no new guests`, { hint })
}

type Taken = ReturnType<typeof takeNumber<NumbersRecord>>

/** Another block is leased from the farm, so that no two hosts have one. */
async function leaseNumber(
  { store, open }: Daemon,
  host: string,
  numbers: NumbersRecord,
): Promise<{ readonly taken: Taken; readonly compare: readonly Compare[]; readonly writes: readonly Write[] }> {
  const parts = open()?.parts
  const taken = parts && (await takeFree(parts, host, { numbers, leased: [] }))
  if (!parts || taken?.numbers.blocks.length === numbers.blocks.length) return { taken, compare: [], writes: [] }
  const blocks = await readBlocks(store)
  const leased = Object.keys(blocks.value.taken).map(Number)
  const again = await takeFree(parts, host, { numbers, leased })
  const own = (again?.numbers.blocks ?? []).map((block) => [block, host] as const)
  const value = { ...blocks.value, taken: { ...blocks.value.taken, ...Object.fromEntries(own) } }
  return {
    ...{ taken: again, compare: [{ key: blocks.key, revision: blocks.revision }] },
    writes: [{ put: blocks.key, value }],
  }
}

/** Whose number leads to what is there without a record is passed over; what lies on other hosts they know themselves. */
async function takeFree(
  parts: HostParts,
  host: string,
  { numbers, leased }: { readonly numbers: NumbersRecord; readonly leased: readonly number[] },
): Promise<Taken> {
  const now = parts.env.now()
  for (let left = numbers; ; ) {
    const taken = takeNumber(left, now, leased)
    if (!taken || host !== parts.host.name || !(await isFound(parts, taken.number))) return taken
    left = reserveFound(
      left,
      [taken.number].map((number) => ({ number })),
      now,
    )
  }
}

/** What a guest gets when nothing is said: enough for a small server, and no way to take the host down. */
export const defaultLimits: Limits = { memoryBytes: 1024 ** 3, cpus: 2, diskBytes: 10 * 1024 ** 3, processes: 2000 }

/** What nobody said anything about. */
export const emptySpec: Omit<GuestSpec, 'root'> = {
  run: 'running',
  stop: 'graceful',
  restarts: 0,
  template: '',
  pool: 'default',
  network: 'default',
  limits: defaultLimits,
  labels: {},
  autostart: true,
  order: 0,
  ports: [],
  rules: [],
  keys: [],
}
