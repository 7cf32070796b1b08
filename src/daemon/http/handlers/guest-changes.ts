/** Wishes about guests. Each decides from what the store says now, writes once, and answers with an operation. */
import { CroftError } from '../../../api/errors.ts'
import type { GuestChange, GuestSpec, Init } from '../../../api/guest.ts'
import type { Placed } from '../../../api/placement.ts'
import type { PlannedStep } from '../../../api/resources.ts'
import { planGuest } from '../../../plan/guest.ts'
import { applyAction, applyChange } from '../../../plan/guest-change.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { accepted, assertRevision, type Change, commit } from '../../records/change.ts'
import { changeSpec, dryRun, guestChange, nudgeByName, planSteps, type Writing } from '../../records/guest-spec.ts'
import { freeName, getGuestToChange, viewGuest } from '../../records/guests.ts'
import { keys } from '../../records/keys.ts'
import { withMemberships } from '../../records/networks.ts'
import { commitNewGuest, emptySpec, type GuestPlan, newGuestChange } from '../../records/new-guest.ts'
import { portsOf } from '../../records/ports.ts'
import {
  type GuestRecord,
  type Held,
  type NameRecord,
  read,
  readAll,
  type SizeRecord,
  type SnapshotRecord,
} from '../../records/records.ts'
import { listRoutesTo } from '../../records/routes.ts'
import { getReadyTemplate, getTemplateRecord, initOf } from '../../records/templates.ts'
import type { Caller } from '../access.ts'
import type { Handlers } from '../handler.ts'
import { withWarnings } from './warnings.ts'

export const handlers = {
  async createGuest(daemon, { body, sent = body, query, caller }) {
    const { name, template, start, ports, networks, host, placed, ...settings } = body
    assertOfHost(placed, caller)
    assertMayHaveKey(body, caller)
    let spec = emptySpec
    const specOf = async (init?: Init): Promise<Omit<GuestSpec, 'root'>> => {
      const base: Omit<GuestSpec, 'root'> = {
        ...emptySpec,
        ...(init === undefined ? {} : { init }),
        run: start ? 'running' : 'stopped',
        ports: portsOf(ports),
        ...(networks.length === 0 ? {} : { addresses: await withMemberships(daemon, {}, networks) }),
      }
      return applyChange(base, settings, await sizeOf(daemon, settings.size))
    }
    const here = async (why: Placed | undefined) => {
      const plan = async (): Promise<GuestPlan> => {
        const source = await getReadyTemplate(daemon, template)
        spec = { ...(await specOf(await initOf(daemon, source.value.id))), template: source.value.ref }
        return {
          ...{ name, verb: 'create', spec },
          ...(host === undefined ? {} : { host }),
          ...(why === undefined ? {} : { placed: why }),
          from: { kind: 'template', id: source.value.id, ref: source.value.ref },
          compare: [{ key: source.key, revision: source.revision }],
        }
      }
      const answer = await makeGuest(daemon, { query, caller }, plan)
      return withWarnings(daemon, settings, spec, answer)
    }
    const { others } = getFarm(daemon)
    if (placed || !others || others.hosts().length < 2) return here(placed)
    if (host !== undefined && !others.find(host))
      throw new CroftError('NOT_FOUND', `no host "${host}"`, { hint: 'croft host ls' })
    if (host !== undefined && networks.length > 0) others.assertCan(host, 'vlans')
    const { createWhereItFits } = await import('../../placing/create.ts')
    const source = await getTemplateRecord(daemon, template)
    const asking = { spec: await specOf(), template: source.value.id, host }
    return createWhereItFits(daemon, others, { ...{ name, asking, body: sent as object, query, caller, here } })
  },

  async cloneGuest(daemon, { params, body, query, caller }) {
    const plan = async (): Promise<GuestPlan> => {
      const source = await getGuestToChange(daemon, params.guest, 'clone')
      // A folder of the host or a private key is given to one guest by root's word, never by way of another's.
      const { root: _root, mounts: _mounts, certificate: _certificate, ...spec } = source.value.spec
      const from =
        body.snapshot === undefined
          ? await rootSource(daemon, source)
          : await snapshotSource(daemon, source, body.snapshot)
      return {
        name: body.name,
        verb: 'clone',
        spec: {
          ...spec,
          run: body.start ? 'running' : 'stopped',
          restarts: 0,
          stop: 'graceful',
          ports: [],
          addresses: [],
        },
        from: from.source,
        compare: [...from.compare, { key: source.key, revision: source.revision }],
      }
    }
    return makeGuest(daemon, { query, caller }, plan)
  },

  async changeGuest(daemon, { params, body, query, caller }) {
    assertMayHaveKey(body, caller)
    const size = await sizeOf(daemon, body.size)
    let after = emptySpec
    const answer = await changeSpec(daemon, { name: params.guest, verb: 'set', query, caller }, (spec) => {
      const next = applyChange(spec, body, size)
      after = next
      return next
    })
    return withWarnings(daemon, body, after, answer)
  },

  async actGuest(daemon, { params, body, query, caller }) {
    return changeSpec(daemon, { name: params.guest, verb: body.do, query, caller, again: true }, (spec) =>
      applyAction(spec, body.do),
    )
  },

  async deleteGuest(daemon, { params, query, caller }) {
    const first = await getGuestToChange(daemon, params.guest, 'rm')
    if (query.dryRun) {
      const steps = await planSteps(daemon, { ...first.value, deleting: true })
      const lost = await listRoutesTo(daemon, first.value)
      const routes = lost.map((what) => ({ what, step: 'lose target', detail: `it leads to ${params.guest}` }))
      return { operation: null, result: null, steps: [...steps, ...routes], ...withoutTarget(lost, 'would have') }
    }
    const operation = await commit(daemon, caller, query, async (): Promise<Change> => {
      const record = await getGuestToChange(daemon, params.guest, 'rm')
      if (record.value.number !== first.value.number)
        throw new CroftError('GUEST_NOT_FOUND', `no guest "${params.guest}"`, { hint: 'croft ls' })
      assertRevision(query, record.revision, params.guest)
      const next: GuestRecord = { ...record.value, generation: record.value.generation + 1, deleting: true }
      return guestChange(record, next, 'rm', null)
    })
    if (operation) getFarm(daemon).loop.nudge(first.value.number)
    const lost = await listRoutesTo(daemon, first.value)
    const left = withoutTarget(lost, lost.length === 1 ? 'has' : 'have')
    return { ...(await accepted(daemon, query, operation, async () => null)), ...left }
  },

  async renameGuest(daemon, { params, body, query, caller }) {
    if (query.dryRun) {
      await getGuestToChange(daemon, params.guest, 'rename')
      await freeName(daemon, body.name)
      return { operation: null, result: null, steps: dryRun(params.guest, [{ do: 'define' }]) }
    }
    const operation = await commit(daemon, caller, query, async (): Promise<Change> => {
      const record = await getGuestToChange(daemon, params.guest, 'rename')
      assertRevision(query, record.revision, params.guest)
      const free = await freeName(daemon, body.name)
      const { host, number } = record.value
      const next: GuestRecord = { ...record.value, name: body.name, generation: record.value.generation + 1 }
      const change = guestChange(record, next, 'rename', { name: params.guest }, { name: body.name })
      return {
        ...change,
        name: body.name,
        compare: [...change.compare, ...free],
        writes: [
          ...change.writes,
          { delete: keys.name(params.guest) },
          { put: keys.name(body.name), value: { kind: 'guest', host, number } satisfies NameRecord },
        ],
      }
    })
    await nudgeByName(daemon, body.name)
    const { gate, names } = getFarm(daemon).loop
    await Promise.all([gate.refresh(), names.refresh()])
    return accepted(daemon, query, operation, () => viewGuest(daemon, body.name))
  },
} satisfies Partial<Handlers>

/** Routes stay: their names are to lead somewhere else soon. */
const withoutTarget = (names: readonly string[], have: string): { warnings?: string[] } =>
  names.length === 0
    ? {}
    : { warnings: [`${names.join(', ')} ${have} no target then: croft route set ${names[0]} to=GUEST`] }

/** Nobody but a host of the farm tells another why a guest is put there. */
function assertOfHost(placed: Placed | undefined, { via, role }: Caller): void {
  if (placed === undefined || via !== undefined || role === 'host') return
  throw new CroftError('BAD_VALUE', 'placed: is said by hosts to each other')
}

/** A private key of the farm leaves it by the word of root on a host alone. */
function assertMayHaveKey({ certificate }: GuestChange, { token }: Caller): void {
  if (token === undefined || certificate === undefined || certificate === null) return
  throw new CroftError('FORBIDDEN', 'private keys are given to guests by root on a host', {
    hint: `there: croft set GUEST certificate=${certificate}`,
  })
}

async function makeGuest(daemon: Daemon, { query, caller }: Writing, plan: () => Promise<GuestPlan>) {
  const ids = { id: daemon.env.uuid(), root: daemon.env.uuid() }
  let made: GuestRecord | undefined
  const decide = async (): Promise<Change> => {
    const { change, record } = await newGuestChange(daemon, await plan(), ids)
    made = record
    return change
  }
  if (query.dryRun) {
    await decide()
    return { operation: null, result: null, steps: made ? planNew(made) : [] }
  }
  const operation = await commitNewGuest(daemon, caller, query, decide)
  const { name, number } = made as GuestRecord
  getFarm(daemon).loop.nudge(number)
  return accepted(daemon, query, operation, () => viewGuest(daemon, name))
}

function planNew(record: GuestRecord): PlannedStep[] {
  const { number, id, spec } = record
  const want = { number, id, deleting: false, spec, definition: 'new', snapshots: [] }
  const have = {
    state: 'stopped',
    definition: undefined,
    roots: [],
    snapshots: [],
    owner: undefined,
    diskLimit: undefined,
    rootId: undefined,
    restarts: 0,
    fromLoopback: undefined,
    askedToStopMsAgo: undefined,
  } as const
  return dryRun(record.name, planGuest(want, have))
}

async function sizeOf(daemon: Daemon, name: string | null | undefined): Promise<SizeRecord | undefined> {
  if (name === null || name === undefined) return undefined
  const size = await read<SizeRecord>(daemon.store, keys.size(name))
  if (size) return size.value
  const known = (await readAll<SizeRecord>(daemon.store, keys.sizes)).map(({ value }) => value.name)
  throw new CroftError('NOT_FOUND', `no size "${name}"; there is ${known.join(', ')}`, { hint: 'croft size ls' })
}

/** A guest whose disk is not there yet cannot be cloned. */
async function rootSource(daemon: Daemon, guest: Held<GuestRecord>) {
  const { number, name, spec } = guest.value
  const there = await getFarm(daemon).parts.storage(spec.pool).exists({ kind: 'root', number, id: spec.root.id })
  if (!there) throw new CroftError('BUSY', `the disk of "${name}" is not made yet`, { hint: 'croft op ls' })
  return { source: { kind: 'root', id: spec.root.id, number, name } as const, compare: [] }
}

async function snapshotSource(daemon: Daemon, guest: Held<GuestRecord>, name: string) {
  const { host, number } = guest.value
  const snapshot = await read<SnapshotRecord>(daemon.store, keys.snapshot(host, number, name))
  if (!snapshot || snapshot.value.deleting)
    throw new CroftError('SNAPSHOT_NOT_FOUND', `no snapshot "${guest.value.name}@${name}"`, {
      hint: `croft snapshot ls ${guest.value.name}`,
    })
  return {
    source: { kind: 'snapshot', id: snapshot.value.id, number, name: `${guest.value.name}@${name}` } as const,
    compare: [{ key: snapshot.key, revision: snapshot.revision }],
  }
}
