/** Published ports: each port of a host belongs to one guest, or to a program of the host itself. */
import { CroftError } from '../../api/errors.ts'
import type { GuestSpec, NewPort, Port } from '../../api/guest.ts'
import type { Compare, Write } from '../../store/store.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { PortRecord } from './edge-ports.ts'
import { keys } from './keys.ts'
import { type GuestRecord, read } from './records.ts'

/** All that a guest reserves goes with its record in one transaction. */
export const mostReserved = 64

type Reserving = Partial<Pick<GuestSpec, 'ports' | 'addresses'>>
const count = ({ ports = [], addresses = [] }: Reserving): number => ports.length + addresses.length

export function assertFew(before: Reserving, after: Reserving): void {
  if (count(after) <= mostReserved || count(after) <= count(before)) return
  throw new CroftError(
    'LIMIT_REACHED',
    `a guest has at most ${mostReserved} published ports and public addresses together`,
    { hint: 'croft port GUEST' },
  )
}

/** What must hold and be written so that the guest has `after` instead of `before`. EXISTS says whose a port is. */
export async function movePorts(
  daemon: Daemon,
  guest: Pick<GuestRecord, 'host' | 'number'>,
  before: readonly Port[],
  after: readonly Port[],
): Promise<{ compare: Compare[]; writes: Write[] }> {
  const keyOf = ({ protocol, hostPort }: Port) => keys.port(guest.host, protocol, hostPort)
  const [had, has] = [new Set(before.map(keyOf)), new Set(after.map(keyOf))]
  const gained = after.filter((port) => !had.has(keyOf(port)))
  for (const port of gained) await assertFree(daemon, guest.host, port)
  return {
    compare: gained.map((port) => ({ key: keyOf(port), revision: 0 })),
    writes: [
      ...gained.map((port): Write => ({ put: keyOf(port), value: { number: guest.number } })),
      ...before.filter((port) => !has.has(keyOf(port))).map((port): Write => ({ delete: keyOf(port) })),
    ],
  }
}

async function assertFree(daemon: Daemon, host: string, { protocol, hostPort }: Port): Promise<void> {
  const what = `port ${protocol}/${hostPort} of the host`
  const held = await read<PortRecord>(daemon.store, keys.port(host, protocol, hostPort))
  if (held && !('number' in held.value)) {
    const who = 'route' in held.value ? `route "${held.value.route}"` : 'the edge'
    throw new CroftError('EXISTS', `${what} is heard by ${who}`, { hint: 'croft route ls' })
  }
  if (held && 'number' in held.value) {
    const owner = await read<GuestRecord>(daemon.store, keys.guest(host, held.value.number))
    throw new CroftError('EXISTS', `${what} is published by guest "${owner?.value.name ?? held.value.number}"`, {
      hint: `croft port ${owner?.value.name ?? 'GUEST'}`,
    })
  }
  // The guest would take the program's place for everybody outside: with tcp/22 that locks the operator out.
  const { network, host: own } = getFarm(daemon).parts
  if (host !== own.name || !(await network.listens(protocol, hostPort))) return
  throw new CroftError('EXISTS', `${what} is used by a program of the host`, {
    hint: `ss -lnp 'sport = ${hostPort}'`,
  })
}

export function portsOf(ports: readonly NewPort[]): Port[] {
  const seen = new Set<string>()
  return ports.map(({ protocol = 'tcp', hostPort, guestPort, address }) => {
    const key = `${protocol}/${hostPort}`
    if (seen.has(key)) throw new CroftError('BAD_VALUE', `port ${key} is named twice`)
    seen.add(key)
    return {
      protocol,
      hostPort: Number(hostPort),
      guestPort: Number(guestPort),
      ...(address === undefined ? {} : { address }),
    }
  })
}
