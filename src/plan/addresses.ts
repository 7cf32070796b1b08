/** From a guest's number follow its addresses, link and MAC. Only this file knows the rules (DESIGN §5). */

export const gateway4 = '169.254.0.1'
/** Where clouds tell a host who it is, with keys to its account: all of link-local, Alibaba, Oracle, Azure; AWS, Google, Oracle. */
export const cloudAddresses = {
  v4: ['169.254.0.0/16', '100.100.100.200', '192.0.0.192', '168.63.129.16'],
  v6: ['fd00:ec2::254', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe'],
} as const
export const gateway6 = 'fe80::1'
/** Where the name servers listen, at the IPv4 gateway: for all guests, and for those whose way out is a list. */
export const namesPort = 53
export const closedNamesPort = 5300
export const linkPrefix = 'croft'
export const blockSize = 256
export const uidRangeSize = 65536
export const uidSlots = 4096
export const defaultUidBase = 0x70000000

/** `prefix4` is a /16 like `10.100.0.0/16`; number 1..65534. */
export function ipv4Of(prefix4: string, number: number): string {
  const [a, b] = prefix4.split('.')
  return `${a}.${b}.${(number >> 8) & 255}.${number & 255}`
}

/** `prefix6` is a /64 of the farm like `fd12:3456:789a:0::/64`. */
export function ipv6Of(prefix6: string, number: number): string {
  return `${prefix6.replace(/::\/64$/, '')}::${number.toString(16)}`
}

/** Hosts among themselves: `10.15.0.h`, unless the guests' own network is there. */
export const meshPrefix4Of = (prefix4: string): string =>
  prefix4.startsWith('10.15.') ? '10.16.0.0/24' : '10.15.0.0/24'

/** In the farm's /64, above all guests. */
export const meshPrefix6Of = (prefix6: string): string => `${prefix6.replace(/::\/64$/, '')}::1:0/120`

/** Of the host with that number, 1..255. */
export const meshAddressesOf = (prefix4: string, prefix6: string, host: number): readonly [v4: string, v6: string] => [
  meshPrefix4Of(prefix4).replace('0/24', String(host)),
  meshPrefix6Of(prefix6).replace('0/120', host.toString(16)),
]

/** All addresses of a block of numbers. */
export const blockNetworksOf = (prefix4: string, prefix6: string, block: number): readonly [v4: string, v6: string] => [
  `${ipv4Of(prefix4, block * blockSize)}/24`,
  `${ipv6Of(prefix6, block * blockSize)}/120`,
]

export const linkOf = (number: number): string => `${linkPrefix}${number}`

/** The number of a link of ours, or undefined for a foreign one. */
export function numberOfLink(link: string): number | undefined {
  const match = /^croft(\d{1,5})$/.exec(link)
  return match ? Number(match[1]) : undefined
}

/** Locally administered, and the same wherever the guest runs. */
export function macOf(number: number): string {
  const byte = (shift: number) => ((number >> shift) & 255).toString(16).padStart(2, '0')
  return `0a:c7:0f:${byte(16)}:${byte(8)}:${byte(0)}`
}

/** Slot 0..4095 of the host's range. */
export const uidOf = (base: number, slot: number): number => base + uidRangeSize * slot

/** Numbers whose address ends in .0 or .255 are left out: some software refuses such a host. */
export const isUsableNumber = (number: number): boolean =>
  number >= 1 && number <= 65534 && (number & 255) !== 0 && (number & 255) !== 255

/** The numbers of a block that a host leased. */
export const numbersOfBlock = (block: number): number[] =>
  Array.from({ length: blockSize }, (_, i) => block * blockSize + i).filter(isUsableNumber)
