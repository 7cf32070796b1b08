import { edgeSettingTable } from './route-settings.ts'

/** What the `key=value` words of a guest mean. Words that a flag can say too are explained there. */
export const settingTable = {
  memory: { value: 'SIZE', means: 'how much memory it may use: 512M, 2G' },
  cpu: { value: 'NUMBER', means: 'how many processors it may use: 2, 0.5' },
  disk: { value: 'SIZE', means: 'how large its disk may grow' },
  processes: { value: 'NUMBER', means: 'how many processes and threads it may have' },
  'disk-rate': { value: 'SIZE', means: 'bytes a second that it may read from and write to its disk, each' },
  'net-rate': { value: 'SIZE', means: 'bytes a second that it may send and receive, each' },
  'net-rate-in': { value: 'SIZE', means: 'bytes a second that it may receive; goes before net-rate' },
  'net-rate-out': { value: 'SIZE', means: 'bytes a second that it may send; goes before net-rate' },
  mtu: { value: 'NUMBER', means: 'the largest packet of its link: 1280 to 9216 (that of the uplink)' },
  size: { value: 'NAME', means: 'memory, cpu, disk and processes of this size: croft size ls' },
  autostart: { value: 'yes|no', means: 'whether it starts when its host does (yes)' },
  order: { value: 'NUMBER', means: 'when its host starts, lower ones start first (0)' },
  nesting: { value: 'yes|no', means: 'whether it may run containers inside, from its next start on (no)' },
  certificate: {
    value: 'DOMAIN',
    means: 'put its certificate and key into /dev/.croft/tls of the guest, and renew them there; none: no longer',
  },
  key: { value: 'LINE', means: 'an ssh public key that enters it as root; again for another' },
  tags: { value: 'WORD,...', means: 'what the host is called, for guests that want hosts like it: ssd,rack2; none' },
  overcommit: { value: 'NUMBER', means: 'so many times its memory it may promise to guests (1 with several hosts)' },
  'disk-overcommit': { value: 'NUMBER', means: 'so many times each of its pools; none: disks are promised freely' },
  reserve: { value: 'SIZE', means: 'memory that is kept for the host itself (a twentieth, 512M to 8G)' },
  'send-rate': {
    value: 'SIZE',
    means: 'bytes of disks that may leave it in a second, all together; none: as fast as it goes',
  },
  listen: { value: '[ADDRESS]:PORT', means: 'where hosts let in who comes from outside with a token; off: nowhere' },
  mesh: {
    value: 'wireguard|none',
    means: 'how hosts reach each other; none: unsealed, over a wire of their own (wireguard)',
  },
  vlan: { value: 'NUMBER', means: 'the tag on the wire, and the routing table: 1 to 4094' },
  subnet: { value: 'NETWORK,...', means: 'whose addresses guests have: 192.0.2.0/24, and one of IPv6' },
  gateway: { value: 'ADDRESS,...', means: 'the way out of it, one for each subnet; none: it has none' },
  uplink: { value: 'DEVICE', means: 'the device of each host that the VLAN comes in by: eth1' },
  git: { value: 'URL', means: 'the repository, like git@git.example.org:shop.git; none: it has none' },
  ref: { value: 'NAME', means: 'the branch, tag or commit that is built when none is said (HEAD)' },
  ...edgeSettingTable,
  every: { value: 'TIME', means: 'how often its replica is brought up to date: 30s, 5m, 1h; never: when asked (5m)' },
  'label.*': { value: 'TEXT', means: 'a label of your own, like label.owner=lark' },
} as const satisfies Record<string, { readonly value: string; readonly means: string }>

export type SettingName = keyof typeof settingTable | 'from' | 'packages' | 'script' | 'mirror'
