/** What a driver is told, in words for the log. Looking is not told. */
import type { GuestStatus } from '../../src/api/guest.ts'
import type { Operation } from '../../src/api/resources.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import type { MoveRecord } from '../../src/daemon/records/moves.ts'
import type { FirewallModel } from '../../src/drivers/firewall/driver.ts'
import type { Definition, Disk } from '../../src/drivers/runtime/driver.ts'
import type { Ref } from '../../src/drivers/storage/driver.ts'
import type { Write } from '../../src/store/store.ts'

type Teller = (...args: never[]) => string

const tellers: Readonly<Record<string, Teller>> = {
  'runtime.define': ({ number, hostName }: Definition) => `define guest ${number} as ${hostName}`,
  'runtime.start': (number: number) => `start guest ${number}`,
  'runtime.askToStop': (number: number) => `ask guest ${number} to stop`,
  'runtime.kill': (number: number) => `kill guest ${number}`,
  'runtime.freeze': (number: number) => `freeze guest ${number}`,
  'runtime.unfreeze': (number: number) => `unfreeze guest ${number}`,
  'runtime.setLimits': (number: number, limits: object) => `limit guest ${number} to ${JSON.stringify(limits)}`,
  'runtime.remove': (number: number) => `forget guest ${number}`,
  'runtime.plant': ({ number }: Disk, files: readonly unknown[]) =>
    `put ${files.length} files on the disk of guest ${number}`,
  'storage.create': (ref: Ref) => `make ${name(ref)}`,
  'storage.clone': (from: Ref, to: Ref) => `copy ${name(from)} to ${name(to)}`,
  'storage.limit': (ref: Ref, bytes: number | null) => `limit ${name(ref)} to ${bytes}`,
  'storage.remove': (ref: Ref) => `remove ${name(ref)}`,
  'firewall.reconcile': ({ guests }: FirewallModel) =>
    `firewall for ${guests.map(({ number, rules }) => `${number}${rules.length > 0 ? `+${rules.length}` : ''}`).join(', ') || 'nobody'}`,
}

export function tell(family: string, method: string, args: unknown[]): string | undefined {
  return tellers[`${family}.${method}`]?.(...(args as never[]))
}

/** Who and what, of the records that stories are about. */
export function tellWrites(writes: readonly Write[]): (readonly [who: string, text: string])[] {
  return writes.flatMap((write) => ('put' in write ? tellPut(write.put, write.value) : []))
}

function tellPut(key: string, value: unknown): (readonly [string, string])[] {
  const guest = /^status\/[^/]+\/guest\/0*(\d+)$/.exec(key)
  if (guest) return [['status', told(`guest ${guest[1]} ${(value as GuestStatus).state}`, reasonOf(value))]]
  const snapshot = /^status\/[^/]+\/snapshot\/(.+)$/.exec(key)
  if (snapshot) return [['status', `snapshot ${snapshot[1]} ${(value as { state: string }).state}`]]
  if (key === keys.leader) return [['leads', 'the farm']]
  if (key.startsWith(keys.moves)) {
    const { name: guestName, phase, to } = value as MoveRecord
    return [['move', `${guestName} to ${to}: ${phase}`]]
  }
  const { verb, target, state, error } = value as Operation
  return key.startsWith('operations/') && state !== 'running'
    ? [['op', told(`${verb} ${target.name} ${state}`, error ?? {})]]
    : []
}

const name = (ref: Ref): string => ('number' in ref ? `${ref.kind} ${ref.number}/${ref.id}` : `${ref.kind} ${ref.id}`)

export const reasonOf = (value: unknown): object => {
  const { reason } = value as GuestStatus
  return reason === undefined ? {} : { message: reason }
}

export function told(text: string, fields: object): string {
  const { code, message, error } = fields as { code?: string; message?: string; error?: string }
  return [text, code, message ?? error]
    .filter((part) => part !== undefined)
    .join(': ')
    .replaceAll('\n', ' | ')
}
