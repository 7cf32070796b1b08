import type { Guest, Usage } from '../../../api/guest.ts'
import type { Mount } from '../../../api/mount.ts'
import type { ShownGuest } from '../../../api/replica.ts'
import type { Answer, Field } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { bytesText, durationText, none } from '../../screen/cells.ts'
import { items } from '../../wire/request.ts'
import { portText } from '../../words/ports.ts'
import { guestName } from '../../work/targets.ts'
import { everyText } from '../replica/every.ts'
import { labelsText, stateOf } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const name = guestName(context.args.one('GUEST'))
  const [guest, usage] = await Promise.all([
    context.client.request('getGuest', { params: { guest: name } }),
    context.forMachines ? undefined : findUsage(context, name),
  ])
  return { kind: 'record', record: guest, name: guest.name, fields: fields(guest, usage) }
}

/** What it uses now is welcome, not needed. */
async function findUsage(context: Context, guest: string): Promise<Usage | undefined> {
  try {
    return items(await context.client.request('getUsage', { query: { guest } })).find((each) => each.name === guest)
  } catch {
    return undefined
  }
}

function fields(guest: ShownGuest, usage: Usage | undefined): readonly Field[] {
  const { spec, status } = guest
  const { limits } = spec
  const bytes = (used: number | null | undefined, limit: number | null | undefined) =>
    used === null && limit === null ? null : ofLimit(used, limit, bytesText)
  return [
    { title: 'name', value: guest.name },
    { title: 'state', value: stateOf(guest), as: 'state' },
    ...(status?.reason?.split('\n') ?? []).map((line, index) => ({ title: index === 0 ? 'reason' : '', value: line })),
    ...partFields(spec),
    { title: 'since', value: status?.since, as: 'age' },
    ...(status?.revived ? revived(guest, status.startedAt) : []),
    { title: 'ipv4', value: guest.ipv4 },
    { title: 'ipv6', value: guest.ipv6 },
    { title: 'addresses', value: (spec.addresses ?? []).map(({ address }) => address).join(' ') },
    { title: 'template', value: spec.template },
    { title: 'cpus', value: ofLimit(usage?.cpuPercent, limits.cpus, String, (used) => `${used.toFixed(1)}%`) },
    { title: 'memory', value: bytes(usage?.memoryBytes, usage?.memoryLimit ?? limits.memoryBytes) },
    { title: 'disk', value: bytes(usage?.diskBytes, usage?.diskLimit ?? limits.diskBytes) },
    { title: 'processes', value: ofLimit(usage?.processes, usage?.processLimit ?? limits.processes, String) },
    { title: 'disk io', value: usage && bothWays(usage.diskReadBytes, 'read', usage.diskWriteBytes, 'written') },
    { title: 'network', value: usage && bothWays(usage.netInBytes, 'in', usage.netOutBytes, 'out') },
    { title: 'oom kills', value: usage?.oomKills || null },
    { title: 'disk-rate', value: limits.diskRate, as: 'bytes' },
    { title: 'net-rate', value: limits.netRate, as: 'bytes' },
    { title: 'net-rate-in', value: limits.netRateIn, as: 'bytes' },
    { title: 'net-rate-out', value: limits.netRateOut, as: 'bytes' },
    { title: 'mtu', value: limits.mtu },
    { title: 'size', value: spec.size },
    { title: 'labels', value: labelsText(spec.labels) },
    { title: 'ports', value: spec.ports.map(portText).join(' ') },
    { title: 'rules', value: spec.rules.length === 0 ? null : spec.rules.length, as: 'number' },
    { title: 'autostart', value: spec.autostart ? 'yes' : 'no' },
    { title: 'order', value: spec.order === 0 ? null : spec.order },
    { title: 'nesting', value: spec.nesting ? 'yes' : null },
    { title: 'certificate', value: spec.certificate },
    ...(spec.mounts ?? []).map((mount, index) => ({ title: index === 0 ? 'mounts' : '', value: mountText(mount) })),
    ...replicaFields(guest),
    { title: 'keys', value: spec.keys.length === 0 ? null : spec.keys.length },
    { title: 'pool', value: spec.pool },
    { title: 'host', value: guest.host },
    { title: 'number', value: guest.number },
    { title: 'created', value: guest.created, as: 'age' },
    { title: 'revision', value: guest.revision },
  ]
}

function replicaFields({ replicas = [] }: ShownGuest): readonly Field[] {
  return replicas.map(({ host, state, everyMs, lagMs, reason }, index) => {
    const age = lagMs === null ? state : `${durationText(lagMs)} old${state === 'ready' ? '' : `, ${state}`}`
    const every = everyMs === null ? '' : `, ${everyText(everyMs)}`
    return {
      title: index === 0 ? 'replicas' : '',
      value: `${host}: ${age}${every}${reason === undefined ? '' : `; ${reason}`}`,
    }
  })
}

function revived({ name, spec }: Guest, startedAt: string | undefined): readonly Field[] {
  const end = spec.part?.kind === 'instance' ? `croft site stop ${spec.part.site}` : `croft stop ${name}`
  return [
    { title: 'started', value: startedAt, as: 'age' },
    {
      title: '',
      value: `again, for it had ended by itself or with its host: croft logs ${name}; to end it: ${end}`,
    },
  ]
}

function partFields({ part, volumes = [] }: Guest['spec']): readonly Field[] {
  if (part?.kind !== 'instance') return []
  return [
    { title: 'site', value: part.site },
    { title: 'slot', value: part.slot },
    { title: 'release', value: part.release },
    ...volumes.map(({ target }, index) => ({ title: index === 0 ? 'data' : '', value: target })),
  ]
}

/** `34 MB of 512 MB`; nothing when neither is known. */
function ofLimit(
  used: number | null | undefined,
  limit: number | null | undefined,
  show: (value: number) => string,
  showUsed = show,
): string | null {
  const now = used ?? undefined
  const most = limit ?? undefined
  if (most === undefined) return now === undefined ? null : showUsed(now)
  return `${now === undefined ? none : showUsed(now)} of ${show(most)}`
}

/** `93 MB read, 5.6 MB written`, since its start. */
function bothWays(one: number | null, named: string, other: number | null, called: string): string | null {
  return one === null || other === null ? null : `${bytesText(one)} ${named}, ${bytesText(other)} ${called}`
}

const mountText = ({ source, target, readOnly }: Mount): string =>
  `${source} on ${target}${readOnly ? ', read-only' : ''}`
