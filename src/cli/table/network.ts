import type { CommandRow } from '../command.ts'

const settings = ['vlan', 'subnet', 'gateway', 'mtu', 'uplink'] as const

/** Networks of the site; what hosts have among themselves is in farm.ts. */
export const networkCommands: readonly CommandRow[] = [
  {
    noun: 'network',
    verb: 'create',
    args: ['NETWORK'],
    settings,
    changes: true,
    flags: [],
    summary: 'a network on a VLAN that guests can have addresses of',
    description:
      'Each host that has a guest there makes UPLINK.VLAN, a routing table of that number, and rules by the guest’s address; they go with ' +
      'its last guest. Who comes in by it meets the guest’s rules: croft allow.',
    examples: [
      'croft network create office vlan=20 subnet=192.0.2.0/24 gateway=192.0.2.1 mtu=1496 uplink=eth1',
      'croft network create lab vlan=30 subnet=198.51.100.0/25,2001:db8:30::/64 uplink=eth1',
    ],
    run: () => import('../commands/network/create.ts'),
  },
  {
    noun: 'network',
    verb: 'set',
    args: ['NETWORK'],
    settings,
    changes: true,
    flags: [],
    summary: 'change a network, on every host that has a guest there',
    description: 'Its guests keep their addresses: a subnet without them is refused.',
    examples: ['croft network set office mtu=1400', 'croft network set lab gateway=none'],
    run: () => import('../commands/network/set.ts'),
  },
  {
    noun: 'network',
    verb: 'rm',
    args: ['NETWORK...'],
    changes: true,
    flags: [],
    summary: 'remove networks that no guest has an address of',
    examples: ['croft network rm office'],
    run: () => import('../commands/network/rm.ts'),
  },
  {
    noun: 'network',
    verb: 'attach',
    args: ['NETWORK', 'GUEST', '[ADDRESS...]'],
    changes: true,
    flags: [],
    summary: 'give a guest addresses of a network, live; without one the next free',
    description:
      'It does not start, or does not get them, while somebody else on the network answers for one. Nothing comes in before a rule allows it.',
    examples: ['croft network attach office web', 'croft network attach office web 192.0.2.15'],
    run: () => import('../commands/network/attach.ts'),
  },
  {
    noun: 'network',
    verb: 'detach',
    args: ['NETWORK', 'GUEST'],
    changes: true,
    flags: [],
    summary: 'take a guest’s addresses of a network away',
    examples: ['croft network detach office web'],
    run: () => import('../commands/network/detach.ts'),
  },
]
