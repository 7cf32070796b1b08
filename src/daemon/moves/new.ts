/** The beginning of a move: whether it can be, and what is reserved for the guest on the other host. */
import { CroftError } from '../../api/errors.ts'
import type { Port } from '../../api/guest.ts'
import type { PlannedStep } from '../../api/resources.ts'
import { roughSize } from '../../plan/amount.ts'
import { boundTo } from '../../plan/drain.ts'
import type { Compare, Write } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { Caller } from '../http/access.ts'
import type { Change } from '../records/change.ts'
import { getGuestRecord, getGuestToChange } from '../records/guests.ts'
import { keys } from '../records/keys.ts'
import { moveGoal } from '../records/moves.ts'
import { type GuestRecord, type Held, type HostRecord, read } from '../records/records.ts'
import { findReplica } from '../records/replicas.ts'
import { assertMade, assertRoom, getTaking, lookForGuest } from './able.ts'
import { beginMove, untilCleared } from './reserve.ts'
import { bringSteps } from './template-comes.ts'

export interface AskedMove {
  readonly guest: string
  readonly to: string
  readonly id: string
  readonly rate?: number | undefined
}

export async function newMove(daemon: Daemon, caller: Caller, asked: AskedMove): Promise<Change> {
  const { guest, host } = await assertCan(daemon, asked)
  const { to, id, rate } = asked
  const { name } = guest.value
  const { record, compare, writes } = await beginMove(daemon, { id, name, caller, host, guests: [guest], rate })
  const ports = await reservePorts(daemon, guest.value, to)
  return {
    ...{ kind: 'guest', name, verb: 'move', before: { host: record.from }, after: { host: to }, goal: moveGoal(id) },
    compare: [...compare, ...ports.compare],
    writes: [...writes, ...ports.writes],
  }
}

export async function planSteps(daemon: Daemon, asked: AskedMove): Promise<PlannedStep[]> {
  const { guest, usedBytes, live, lacks } = await assertCan(daemon, asked)
  const { guest: what, to } = asked
  const about = usedBytes === undefined ? 'its disk' : `its disk, about ${roughSize(usedBytes)}`
  const lacking = lacks ? [guest.value] : []
  return [
    ...(await bringSteps(getFarm(daemon).parts, what, { to, lacking })),
    { what, step: 'copy', detail: `${about}, to ${to} while it runs, then again what has changed` },
    ...(live ? [{ what, step: 'stop', detail: 'ask it to shut down, and copy the last of it' }] : []),
    {
      what,
      step: 'switch',
      detail: `its record goes from ${guest.value.host} to ${to}, with address, name, ports and snapshots`,
    },
    ...(live ? [{ what, step: 'start', detail: `on ${to}` }] : []),
    { what, step: 'clear', detail: `remove its disk on ${guest.value.host}` },
  ]
}

interface Able {
  readonly host: Held<HostRecord>
  readonly guest: Held<GuestRecord>
  readonly usedBytes: number | undefined
  readonly live: boolean
  /** What it was made from is not there. */
  readonly lacks: boolean
}

async function assertCan(daemon: Daemon, { guest: name, to }: AskedMove): Promise<Able> {
  const { parts } = getFarm(daemon)
  await assertNoInstance(daemon, name, to)
  const guest = await getGuestToChange(daemon, name, 'move')
  assertFree(guest.value, to)
  const host = await getTaking(daemon, guest.value, to)
  getFarm(daemon).others?.assertCan(to, 'moves')
  const { number } = guest.value
  await assertMade(daemon, guest.value)
  // What lies there may be what the last move leaves.
  await untilCleared(daemon, { name, number })
  const look = await lookForGuest(daemon, guest.value, to)
  const replica = await findReplica(daemon.store, { number, host: to })
  if (replica?.record.value.deleting)
    throw new CroftError('BUSY', `the replica of "${name}" on ${to} is being removed`, { hint: 'croft replica ls' })
  if (look.roots.length + (replica ? 0 : look.snapshots.length) > 0)
    throw new CroftError('REFUSED', `disks of a guest with number ${number} lie on ${to} already, without a record`, {
      hint: `croft host plan (on ${to})`,
    })
  const [port] = look.listens
  if (port !== undefined)
    throw new CroftError('EXISTS', `port ${port} of ${to} is used by a program of that host`, {
      hint: `croft port ${name}`,
    })
  // What differs from its replica nobody knows before it is sent.
  const usedBytes = replica ? undefined : await assertRoom(parts, guest.value, { to, look })
  const live = (await parts.runtime.observe(number))?.state === 'running'
  return { guest, host, usedBytes, live, lacks: !look.template }
}

/** Instances of sites go with their data, or are begun elsewhere. */
async function assertNoInstance(daemon: Daemon, name: string, to: string): Promise<void> {
  const { part, volumes = [] } = (await getGuestRecord(daemon, name)).value.spec
  if (part?.kind !== 'instance') return
  const { site } = part
  if (volumes.length > 0)
    throw new CroftError('REFUSED', `${name} goes with the lasting data of ${site}, and all instances that have it`, {
      hint: `croft move ${site} ${to}`,
    })
  throw new CroftError('REFUSED', `${name} has no lasting data: instances of ${site} are placed by themselves`, {
    hint: `croft host drain HOST · croft site show ${site}`,
  })
}

function assertFree({ name, host, spec }: GuestRecord, to: string): void {
  const refuse = (why: string, hint: string) => new CroftError('REFUSED', `${name} cannot move: ${why}`, { hint })
  if (host === to) throw refuse(`it is on ${to}`, `croft show ${name}`)
  const bound = boundTo(host, name, spec)
  if (bound) throw refuse(bound.why, bound.hint)
}

async function reservePorts(
  { store }: Daemon,
  { name, number, spec }: GuestRecord,
  to: string,
): Promise<{ compare: Compare[]; writes: Write[] }> {
  const keyOf = ({ protocol, hostPort }: Port) => keys.port(to, protocol, hostPort)
  for (const port of spec.ports) {
    if (await read(store, keyOf(port)))
      throw new CroftError('EXISTS', `port ${port.protocol}/${port.hostPort} of ${to} is taken`, {
        hint: `croft port ${name} · croft port`,
      })
  }
  return {
    compare: spec.ports.map((port) => ({ key: keyOf(port), revision: 0 })),
    writes: spec.ports.map((port) => ({ put: keyOf(port), value: { number } })),
  }
}
