/**
 * The fixed rules. What differs between guests is in sets, so these chains are as long with one guest as with thousands.
 * Only packets that come from or go to a link of ours, or to our name servers, meet a verdict other than accept. Pure.
 */

import { closedNamesPort, cloudAddresses, gateway4, gateway6, namesPort } from '../../../plan/addresses.ts'
import { networkOf } from '../check.ts'
import type { FirewallModel } from '../driver.ts'
import { type MeshRules, meshRules } from './mesh-rules.ts'

const guestLinks = '"croft*"'
/** fe80::1, as the bytes of a neighbour message's target. nft of Debian 12 has no name for that field. */
const gatewayTarget = '@th,64,128 0xfe800000000000000000000000000001'
const notGatewayTarget = '@th,64,128 != 0xfe800000000000000000000000000001'

const families = [
  { v: 4, ip: 'ip', address: 'ipv4_addr', icmp: 'icmp' },
  { v: 6, ip: 'ip6', address: 'ipv6_addr', icmp: 'ipv6-icmp' },
] as const

/** Declarations and chains of `table inet`, without elements. */
export function inetRules(model: FirewallModel): string {
  const mesh = meshRules(model)
  const hosts = [fromGuest(mesh), mesh.chains, toHost(mesh), forwarding(mesh)]
  const chains = [gate, names, ...hosts, paces, logs, nat(model)]
  return [...declarations(), ...chains.flat()].join('\n')
}

/**
 * Shut while more than one set changes: the kernel puts interval sets in force one after the other, after the rules.
 * Empty otherwise. What is connected already goes on.
 */
export const gate = ['chain gate {', '  type filter hook forward priority -1; policy accept;', '}']
export const gateRules = (link: string): string[] =>
  ['iifname', 'oifname'].map((side) => `${side} ${link} ct state != { established, related } drop`)
export const everyGuest = guestLinks

export const arpRules = [
  'set own { type ifname . ipv4_addr; }',
  ...chain('input', ['type filter hook input priority filter; policy accept', `iifname ${guestLinks} jump from_guest`]),
  ...chain('from_guest', ['iifname . arp saddr ip @own accept', 'counter drop']),
].join('\n')

function declarations(): string[] {
  const perFamily = families.flatMap(({ v, address }) => [
    `set own${v} { type ifname . ${address}; }`,
    `map shown${v} { type ifname : ${address}; }`,
    `map published${v} { type inet_proto . inet_service : ${address} . inet_service; }`,
    `map published_at${v} { type ${address} . inet_proto . inet_service : ${address} . inet_service; }`,
    ...['deny_in', 'deny_out', 'allow_in', 'allow_out'].flatMap((side) => [
      ruleMap(`${side}_port${v}`, `ifname . ${address} . inet_proto . inet_service`),
      ruleMap(`${side}_icmp${v}`, `ifname . ${address}`),
      ruleMap(`${side}_any${v}`, `ifname . ${address}`),
    ]),
  ])
  const plain = [
    'set egress { type ifname; }',
    'set host_ports { type inet_service; }',
    ...['in', 'out'].map((way) => `map rate_${way} { type ifname : limit; }`),
  ]
  return [...plain, ...perFamily]
}

const ruleMap = (name: string, type: string): string =>
  `map ${name} { type ${type} : verdict; flags interval; counter; }`

/** Before connection tracking: nobody speaks as somebody else, nobody plays router or DHCP server. */
const fromGuest = ({ before }: MeshRules): string[] => [
  ...chain('prerouting', [
    'type filter hook prerouting priority raw; policy accept',
    `iifname ${guestLinks} jump from_guest`,
    ...before,
  ]),
  ...chain('from_guest', [
    'ip daddr 127.0.0.0/8 counter drop',
    'icmp type { redirect, router-advertisement } counter drop',
    'icmpv6 type { nd-router-advert, nd-redirect } counter drop',
    'udp sport 67 udp dport 68 counter drop',
    'udp sport 547 udp dport 546 counter drop',
    `icmpv6 type nd-neighbor-solicit ${notGatewayTarget} counter drop`,
    `icmpv6 type nd-neighbor-advert ${gatewayTarget} counter drop`,
    'iifname . ip saddr @own4 goto paced_out',
    'iifname . ip6 saddr @own6 goto paced_out',
    // A guest talks to its own link in these; nothing here listens, so it is no sign of spoofing.
    'ip6 saddr { ::, fe80::/10 } drop',
    'counter drop',
  ]),
]

/**
 * The one service of the host that guests reach. Dropped here: what a deny forbids, more than a guest can need, and
 * whoever else finds his way to that address.
 */
const isNames = `ip daddr ${gateway4} meta l4proto { tcp, udp } th dport { ${namesPort}, ${closedNamesPort} }`
const names = [
  // Each server process serves few connections: none for one guest alone.
  'set names_rate { type ifname; size 65535; flags dynamic, timeout; timeout 2s; }',
  'set names_tcp { type ifname; size 65535; flags dynamic; }',
  ...chain('names', [
    'update @names_rate { iifname limit rate over 200/second burst 400 packets } counter drop',
    'tcp flags syn add @names_tcp { iifname ct count over 4 } counter drop',
    ...lookups('deny_out', [families[0]]),
    'accept',
  ]),
]

const toHost = (mesh: MeshRules): string[] => [
  ...chain('input', [
    'type filter hook input priority filter; policy accept',
    `iifname ${guestLinks} jump to_host`,
    `iifname != "lo" ${isNames} counter drop`,
    ...mesh.toHost,
  ]),
  ...chain('to_host', [
    `${isNames} goto names`,
    'ct state established,related accept',
    'icmp type echo-request accept',
    'icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept',
    'tcp dport @host_ports goto to_edge',
    'counter drop',
  ]),
  // Their own public names lead guests back to this host: what their rules forbid stays forbidden. No name leads to the
  // gateway, and a rule that forbids the host by its addresses need not name that one.
  ...chain('to_edge', [
    `ip daddr ${gateway4} counter drop`,
    `ip6 daddr ${gateway6} counter drop`,
    ...lookups('deny_out'),
    ...['iifname @egress jump listed_out', 'accept'],
  ]),
]

/** What clouds tell the host alone, keys to its account among it: who has no list of ways out that names it gets none. */
const hostsOwn = [`ip daddr { ${cloudAddresses.v4.join(', ')} }`, `ip6 daddr { ${cloudAddresses.v6.join(', ')} }`]

function forwarding({ between }: MeshRules): string[] {
  return [
    ...chain('forward', [
      'type filter hook forward priority filter; policy accept',
      `iifname ${guestLinks} goto guests`,
      `oifname ${guestLinks} goto guests`,
    ]),
    ...chain('guests', [
      'ct state established,related accept',
      'ct state invalid counter drop',
      ...between,
      ...lookups('deny_in'),
      ...lookups('deny_out'),
      'iifname @egress jump listed_out',
      // A farm may have its guests where others have such an address.
      ...hostsOwn.map((to) => `iifname ${guestLinks} iifname != @egress oifname != ${guestLinks} ${to} counter drop`),
      `oifname ${guestLinks} icmp type echo-request accept`,
      `oifname ${guestLinks} icmpv6 type echo-request accept`,
      ...lookups('allow_in'),
      `oifname ${guestLinks} ct status dnat accept`,
      `iifname ${guestLinks} oifname != ${guestLinks} accept`,
      'counter drop',
    ]),
    ...chain('listed_out', [...lookups('allow_out'), 'counter drop']),
  ]
}

/** The narrow before the wide, so that a packet counts for the rule that names its service. */
function lookups(side: string, which: readonly (typeof families)[number][] = families): string[] {
  const [link, peer] = side.endsWith('_in') ? ['oifname', 'saddr'] : ['iifname', 'daddr']
  return which.flatMap(({ v, ip, icmp }) => [
    `meta l4proto { tcp, udp } ${link} . ${ip} ${peer} . meta l4proto . th dport vmap @${side}_port${v}`,
    `meta l4proto ${icmp} ${link} . ${ip} ${peer} vmap @${side}_icmp${v}`,
    `${link} . ${ip} ${peer} vmap @${side}_any${v}`,
  ])
}

/** What goes to a guest is paced where it leaves, so that the host's own traffic counts too. */
const paces = [
  ...chain('paced_out', ['limit name iifname map @rate_out drop']),
  ...chain('paced_in', [
    'type filter hook postrouting priority 300; policy accept',
    `oifname ${guestLinks} limit name oifname map @rate_in drop`,
  ]),
]

const logLine = (prefix: string): string => `limit rate 10/second burst 50 packets log prefix "${prefix} " level info`
const logs = [
  ...chain('drop_logged', [logLine('croft deny'), 'drop']),
  ...chain('accept_logged', [logLine('croft allow'), 'accept']),
  ...chain('pass_logged', [logLine('croft allow')]),
]

function nat({ prefix4, prefix6 }: FirewallModel): string[] {
  const prefixes = { 4: networkOf(prefix4, 4), 6: networkOf(prefix6, 6) }
  return [
    ...chain('publish', [
      // The kernel routes nothing from ::1 to another link: leave the port closed there rather than hanging.
      'ip6 daddr ::1 return',
      `${isNames} return`,
      ...families.flatMap(({ v, ip }) => [
        `dnat ${ip} to ${ip} daddr . meta l4proto . th dport map @published_at${v}`,
        `meta nfproto ipv${v} dnat ${ip} to meta l4proto . th dport map @published${v}`,
      ]),
    ]),
    // A question is a way out as good as any: who may not ask at all is sent to the server that asks nobody.
    ...chain('listed_names', [
      ...lookups('allow_out', [families[0]]),
      `meta l4proto { tcp, udp } dnat ip to ${gateway4}:${closedNamesPort}`,
    ]),
    // Only what is meant for this host: a door never takes what passes through to another machine.
    ...chain('published', [
      'type nat hook prerouting priority dstnat; policy accept',
      `iifname @egress ${isNames} jump listed_names`,
      'fib daddr type local jump publish',
    ]),
    ...chain('published_here', [
      'type nat hook output priority -100; policy accept',
      'fib daddr type local jump publish',
    ]),
    ...chain('leaving', [
      'type nat hook postrouting priority srcnat; policy accept',
      `oifname ${guestLinks} ip saddr 127.0.0.0/8 masquerade`,
      `iifname ${guestLinks} oifname ${guestLinks} ct status dnat masquerade`,
      ...families.flatMap(({ v, ip }) => {
        const inside = prefixes[v]
        const outwards = `iifname ${guestLinks} oifname != ${guestLinks}`
        const leaves = `${outwards} ${ip} saddr ${inside} ${ip} daddr != ${inside}`
        return [`${leaves} snat ${ip} to iifname map @shown${v}`, `${leaves} masquerade`]
      }),
    ]),
  ]
}

function chain(name: string, lines: readonly string[]): string[] {
  return [`chain ${name} {`, ...lines.map((line) => `  ${line}${line.startsWith('type ') ? ';' : ''}`), '}']
}
