/** What a driver is told, in words for the log. Looking is not told. */
import type { GuestStatus } from '../../src/api/guest.ts'
import type { FirewallModel } from '../../src/drivers/firewall/driver.ts'
import type { Definition, Disk } from '../../src/drivers/runtime/driver.ts'
import type { Ref } from '../../src/drivers/storage/driver.ts'

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
