/** The only place where drivers are told to change something for a guest. A step without a handler does not compile. */
import { appUser } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import type { RootSource } from '../../api/guest.ts'
import type { Definition } from '../../drivers/runtime/driver.ts'
import type { Ref, Storage } from '../../drivers/storage/driver.ts'
import { linkOf } from '../../plan/addresses.ts'
import type { Step } from '../../plan/guest.ts'
import type { EdgeKeeper } from '../edge/keeper.ts'
import { removeGuestRecords, writeSnapshotStatus, writeVolumeStatus } from '../records/host-writes.ts'
import { openSeed } from '../records/seeds.ts'
import type { FirewallGate } from './firewall-gate.ts'
import type { HostParts } from './parts.ts'
import { poolOfVolumes } from './volume-loop.ts'
import type { Wishes } from './wishes.ts'

export interface GuestWork {
  readonly number: number
  readonly wishes: Wishes
  readonly definition: Definition
  readonly storage: Storage
  readonly gate: FirewallGate
  readonly edge: EdgeKeeper
}

type Handlers = {
  [K in Step['do']]: (parts: HostParts, work: GuestWork, step: Extract<Step, { do: K }>) => Promise<void>
}

const handlers: Handlers = {
  /** The manifest first: whatever is found beside it, after a crash as well, is this guest's. */
  async cloneRoot(_parts, { number, storage, wishes }, step) {
    await storage.writeManifest({ guest: number }, wishes.guest.value)
    await storage.clone(sourceRef(step.from), { kind: 'root', number, id: step.id }, { readOnly: false })
  },
  limitRoot: (_parts, { number, storage }, step) => storage.limit({ kind: 'root', number, id: step.id }, step.bytes),
  removeRoot: (_parts, { number, storage }, step) => storage.remove({ kind: 'root', number, id: step.id }),
  async takeSnapshot(parts, { number, storage, wishes }, step) {
    await storage.clone(
      { kind: 'root', number, id: step.rootId },
      { kind: 'snapshot', number, id: step.id },
      { readOnly: true },
    )
    await writeSnapshotStatus(parts, wishes, step.id, 'ready')
  },
  loseSnapshot: (parts, { wishes }, step) => writeSnapshotStatus(parts, wishes, step.id, 'lost'),
  removeSnapshot: (_parts, { number, storage }, step) => storage.remove({ kind: 'snapshot', number, id: step.id }),
  async define({ runtime }, { definition, storage, number, wishes }) {
    await storage.writeManifest({ guest: number }, wishes.guest.value)
    await runtime.define(definition)
  },
  /** Its manifest first: what is found beside it is told by that name. Reported last: from then on its absence is a loss. */
  async makeVolume(parts, { wishes }, { id, bytes }) {
    const storage = parts.storage(poolOfVolumes)
    const { record } = wishes.volumes.find((volume) => volume.record.id === id) ?? {}
    await storage.writeManifest({ volume: id }, record ?? null)
    await storage.create({ kind: 'volume', id }, appUser.id)
    await storage.limit({ kind: 'volume', id }, bytes)
    await writeVolumeStatus(parts, id)
  },
  limitVolume: ({ storage }, _work, { id, bytes }) => storage(poolOfVolumes).limit({ kind: 'volume', id }, bytes),
  async plant(parts, { number, definition: { rootPath, uidBase } }, step) {
    const files = await openSeed(parts, number, step.seed)
    await parts.runtime.plant({ number, rootPath, uidBase, id: parts.env.id() }, files)
  },
  openFirewall: (_parts, { gate, number }) => gate.open(number),
  closeFirewall: (_parts, { gate, number }) => gate.close(number),
  async start({ runtime, mesh, vlans }, { gate, number }) {
    await mesh.ready(number)
    await asking({ vlans, gate }, () => vlans.ready(number))
    await runtime.start(number)
  },
  async tuneLink({ network, runtime, vlans }, { gate, number, wishes, definition }, { fresh }) {
    const settled = () => asking({ vlans, gate }, () => vlans.settle(number, fresh))
    // Of what it gained while it runs nothing leads to it before it is known to be nobody else's.
    if (!fresh) await settled()
    const link = linkOf(number)
    const pid = (await runtime.observe(number))?.pid
    await Promise.all([
      network.tune(link, { reachableFromLoopback: wishes.guest.value.spec.ports.length > 0 }),
      pid === undefined ? undefined : network.equip(link, { ...definition.link, pid, fresh }),
    ])
    if (fresh) await settled()
  },
  async setLimits({ runtime }, { number, storage }, step) {
    await runtime.setLimits(number, step.limits, await storage.blockDevice())
  },
  leaveEdge: (_parts, { edge, number }) => edge.leave(number),
  askToStop: ({ runtime }, { number }) => runtime.askToStop(number),
  kill: ({ runtime }, { number }) => runtime.kill(number),
  freeze: ({ runtime }, { number }) => runtime.freeze(number),
  unfreeze: ({ runtime }, { number }) => runtime.unfreeze(number),
  async removeRuntime({ runtime, network }, { number }) {
    await runtime.remove(number)
    await network.removeLink(linkOf(number))
  },
  forget: (parts, { wishes }) => removeGuestRecords(parts, wishes),
  async wait() {},
  async fail(_parts, _work, step) {
    throw new CroftError(step.code, step.why, {
      hint: step.code === 'POOL_MISSING' ? 'croft doctor' : 'croft host plan',
    })
  },
}

/** What turns out to be somebody else's, or no longer is, the firewall hears of. */
async function asking(
  { vlans, gate }: Pick<HostParts, 'vlans'> & Pick<GuestWork, 'gate'>,
  ask: () => Promise<void> | undefined,
): Promise<void> {
  const list = () => [...vlans.refused()].join()
  const before = list()
  try {
    await ask()
  } finally {
    if (list() !== before) await gate.refresh()
  }
}

export function executeStep(parts: HostParts, work: GuestWork, step: Step): Promise<void> {
  const handler = handlers[step.do] as (parts: HostParts, work: GuestWork, step: Step) => Promise<void>
  return handler(parts, work, step)
}

function sourceRef(source: RootSource): Ref {
  switch (source.kind) {
    case 'template':
      return { kind: 'template', id: source.id }
    case 'snapshot':
      return { kind: 'snapshot', number: source.number, id: source.id }
    case 'root':
      return { kind: 'root', number: source.number, id: source.id }
  }
}
