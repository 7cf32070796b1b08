/** The making of a guest's record: number, slot, name and ports are reserved in the transaction that writes it. */
import type { SeedFile } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { GuestSpec, Limits, RootSource } from '../../api/guest.ts'
import { reserveFound, takeNumber } from '../../plan/numbers.ts'
import type { Compare } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import { isFound } from '../host/found.ts'
import type { HostParts } from '../host/parts.ts'
import type { Change } from './change.ts'
import { freeName } from './guests.ts'
import { keys } from './keys.ts'
import { assertFew, movePorts } from './ports.ts'
import { type GuestRecord, type NameRecord, type NumbersRecord, read, schemaVersion } from './records.ts'
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
}

/** Reads what there is and gives the change; the record's ids are made once, so that a second try is the same guest. */
export async function newGuestChange(
  daemon: Daemon,
  plan: GuestPlan,
  ids: { readonly id: string; readonly root: string },
): Promise<{ change: Change; record: GuestRecord }> {
  const { parts } = getFarm(daemon)
  const { host } = parts
  const name = await freeName(daemon, plan.name)
  const numbers = await read<NumbersRecord>(daemon.store, keys.numbers(host.name))
  const taken = numbers && (await takeFree(parts, numbers.value))
  if (!numbers || !taken)
    throw new CroftError('LIMIT_REACHED', `host ${host.name} has no number left for another guest`, {
      hint: 'croft ls',
    })
  const record: GuestRecord = {
    schema: schemaVersion,
    name: plan.name,
    number: taken.number,
    slot: taken.slot,
    id: ids.id,
    host: host.name,
    generation: 1,
    created: timestamp(daemon.env),
    spec: {
      ...plan.spec,
      root: { id: ids.root, from: plan.from },
      // Of this root alone.
      ...(plan.seed === undefined ? {} : { seed: ids.root }),
    },
  }
  assertFew({}, plan.spec)
  const ports = await movePorts(daemon, record, [], plan.spec.ports)
  const key = keys.guest(host.name, taken.number)
  const change: Change = {
    kind: 'guest',
    name: plan.name,
    verb: plan.verb,
    before: null,
    after: record.spec,
    compare: [
      ...plan.compare,
      { key: numbers.key, revision: numbers.revision },
      ...name,
      { key, revision: 0 },
      ...ports.compare,
    ],
    writes: [
      { put: key, value: record },
      {
        put: keys.name(plan.name),
        value: { kind: 'guest', host: host.name, number: taken.number } satisfies NameRecord,
      },
      { put: numbers.key, value: taken.numbers },
      ...(plan.seed === undefined ? [] : [await seedWrite(parts, taken.number, { id: ids.root, files: plan.seed })]),
      ...ports.writes,
    ],
    goal: { kind: 'guest', number: taken.number },
  }
  return { change, record }
}

/** Whose number leads to what is there without a record is passed over. */
async function takeFree(
  parts: HostParts,
  numbers: NumbersRecord,
): Promise<ReturnType<typeof takeNumber<NumbersRecord>>> {
  const now = parts.env.now()
  for (let left = numbers; ; ) {
    const taken = takeNumber(left, now)
    if (!taken || !(await isFound(parts, taken.number))) return taken
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
