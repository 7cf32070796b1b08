/**
 * The small values that people type: names, sizes, ports, addresses. Each has one schema here and nowhere else;
 * what reaches a config file, a command line or a path has passed one of these.
 */
import { isIP } from 'node:net'
import { z } from 'zod'

/** The two first words of a command line are grammar: no guest may bear one of them. */
export const reservedNames: ReadonlySet<string> = new Set(
  `account address alert alerts all allow api app apply backup balance build cert clone completion config console copy create cron
  daemon data db deny deploy diff doctor drain drill edit events exec explain export farm fork freeze get grant guest guests help
  history host hosts import info init instance invite issue join kill launch leave link list localhost login logs ls mail mount mounts move
  network networks none op operation operations pause patch plan pool pools port promote publish pull push queue quota reboot
  recover release rename replica replicas replicate restart restore revert rm rollback root rotate route run scale schedule secret set shell show site size
  sizes snapshot snapshots start status stop store suspend sync template templates test timeline token top undo unfreeze upgrade
  use user verify version volume volumes wait what-if window zone certs certificate certificates cert farms logout tokens
  apps sites configs secrets instances builds releases mounts addresses`.split(/\s+/),
)

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** A DNS label: it becomes a host name. All digits is refused, for a guest's number could be meant. */
export const GuestName = z
  .string()
  .regex(label, { error: 'must be 1 to 63 of a-z, 0-9 and -, not starting or ending with -', abort: true })
  .refine((name) => !/^\d+$/.test(name), 'must hold a letter')
  .refine((name) => !reservedNames.has(name), {
    error: (issue) =>
      `"${String(issue.input)}" is a word of the command line, so nothing can bear it as a name; "${String(issue.input)}1" would do`,
  })

export const HostName = z.string().regex(label, 'must be a host name of one label')
export const FarmName = z.string().regex(label, 'must be 1 to 63 of a-z, 0-9 and -')
export const SnapshotName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9, dot, _ and -')
  .refine((name) => !name.includes('..'), 'must not hold ".."')

/** `name:version`; `debian` alone means the newest version of it, resolved by the server. */
export const TemplateRef = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,40}(:[a-z0-9][a-z0-9._-]{0,40})?$/, 'must look like debian:12')
  .refine((ref) => !ref.includes('..'), 'must not hold ".."')

export const LabelKey = z.string().regex(/^[a-z][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9, dot, _ and -')
/** Printable, one line: labels are shown in tables and may one day reach a unit file. */
export const OneLine = z
  .string()
  .max(200)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 'must be one line of printable characters')

export const PortNumber = z.coerce.number().int().min(1, 'must be 1 to 65535').max(65535, 'must be 1 to 65535')

const units: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** `512M`, `1.5G`, `2GiB`, `1024`: bytes, in powers of 1024 as memory is sold. Undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim())
  if (!match) return undefined
  return Math.round(Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1))
}

/** Bytes as number, or as people write them. */
export const SizeBytes = z.union([z.number(), z.string()]).transform((value, context) => {
  const bytes = typeof value === 'number' ? value : parseSize(value)
  if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes > 0) return bytes
  context.addIssue({ code: 'custom', message: `"${String(value).slice(0, 40)}" is not a size like 512M or 2G` })
  return z.NEVER
})

/** `tcp/80`, `udp/5000-5010`, `tcp`, `icmp`, `any`. */
export const Service = z.string().transform((text, context) => {
  const service = parseService(text)
  if (service) return service
  context.addIssue({
    code: 'custom',
    message: `"${text.slice(0, 40)}" is not a service like tcp/80, udp/5000-5010, icmp or any`,
  })
  return z.NEVER
})

export type Service = {
  readonly protocol: 'any' | 'tcp' | 'udp' | 'icmp'
  readonly from?: number
  readonly to?: number
}

function parseService(text: string): Service | undefined {
  const match = /^(any|icmp|tcp|udp)(?:\/(\d{1,5})(?:-(\d{1,5}))?)?$/.exec(text)
  if (!match) return undefined
  const protocol = match[1] as Service['protocol']
  if (match[2] === undefined) return { protocol }
  const from = Number(match[2])
  const to = Number(match[3] ?? match[2])
  const inRange = from >= 1 && to <= 65535 && from <= to
  return inRange && (protocol === 'tcp' || protocol === 'udp') ? { protocol, from, to } : undefined
}

/** An address or a network: `203.0.113.7`, `10.0.0.0/8`, `2001:db8::/32`. Kept as written, lower case. */
export const AddressRange = z.string().transform((text, context) => {
  const [address = '', bits, ...rest] = text.toLowerCase().split('/')
  const family = isIP(address)
  const width = bits === undefined ? (family === 4 ? 32 : 128) : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
  if (family !== 0 && rest.length === 0 && !address.includes('%') && width >= 0 && width <= (family === 4 ? 32 : 128)) {
    return bits === undefined ? address : `${address}/${width}`
  }
  context.addIssue({
    code: 'custom',
    message: `"${text.slice(0, 60)}" is not an address or network like 203.0.113.0/24`,
  })
  return z.NEVER
})

/** `90d`, `12h`, `30m`, `45s`: milliseconds; `never` is null. */
export const Lifetime = z.string().transform((text, context) => {
  const ms = parseLifetime(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: `"${text.slice(0, 40)}" is not a time like 90d, 12h or never` })
  return z.NEVER
})

export const longestLifeMs = 3650 * 86_400_000

export function parseLifetime(text: string): number | null | undefined {
  if (text === 'never') return null
  const match = /^(\d{1,9})(s|m|h|d)$/.exec(text)
  if (!match) return undefined
  const ms = Number(match[1]) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 's' | 'm' | 'h' | 'd']
  return ms > 0 && ms <= longestLifeMs ? ms : undefined
}

/** Where a host waits for requests from outside: `:8443` on all its addresses, `198.51.100.1:8443`, `[2001:db8::1]:8443`. */
export const Listen = z.string().transform((text, context) => {
  if (parseListen(text)) return text
  context.addIssue({
    code: 'custom',
    message: `"${text.slice(0, 60)}" is not an address and port like :8443, 198.51.100.1:8443 or [2001:db8::1]:8443`,
  })
  return z.NEVER
})

/** `host` is undefined for all addresses. */
export function parseListen(text: string): { readonly host: string | undefined; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15}))?:(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  if (!match || port < 1 || port > 65535) return undefined
  if (host !== undefined && isIP(host) !== (match[1] === undefined ? 4 : 6)) return undefined
  return { host, port }
}

/** How others reach a host: a name or an address, and perhaps a port. */
export const Reachable = z
  .string()
  .max(260)
  .regex(
    /^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:.]{2,45}\])(:\d{1,5})?$/,
    'must be a name or address, like croft.example.org or 198.51.100.1:8443',
  )

/** One line of an authorized_keys file. */
export const PublicKey = z
  .string()
  .max(1000)
  .regex(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/=]+( [^\p{C}\p{Zl}\p{Zp}]*)?$/u,
    'must be one ssh public key',
  )

export const Flag = z
  .union([z.boolean(), z.enum(['true', 'false', 'yes', 'no', 'on', 'off'])])
  .transform((value) => value === true || value === 'true' || value === 'yes' || value === 'on')
/** Takes a setting away. */
export const Unset = z.union([z.null(), z.literal(''), z.literal('none')]).transform(() => null)
