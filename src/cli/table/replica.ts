import type { CommandRow } from '../command.ts'

export const replicaCommands: readonly CommandRow[] = [
  {
    noun: 'guest',
    verb: 'replicate',
    args: ['GUEST', 'HOST'],
    settings: ['every'],
    changes: true,
    flags: ['rate'],
    summary: 'keep a replica of a guest on another host, brought up to date from time to time',
    description:
      'Its disk with its snapshots, as it was at one moment; after the first time what has changed since goes over the wire. The replica does not run. ' +
      'A move to that host sends what has changed alone, and then the two change places. Said again it brings the replica up to date, and sets its time.',
    examples: [
      'croft replicate web birch',
      'croft replicate web birch every=1h',
      'croft replicate web birch every=5m --rate 20M',
    ],
    run: () => import('../commands/replica/replicate.ts'),
  },
  {
    noun: 'guest',
    verb: 'copy',
    args: ['GUEST', 'HOST'],
    changes: true,
    flags: ['rate'],
    summary: 'make a copy of a guest on another host, or bring the one there up to date',
    description:
      'The same guest, number and address: so it cannot run while the guest does. Made once, and anew when this is said again; croft replicate does that by itself. ' +
      'A new guest from its disk is a clone: croft clone.',
    examples: ['croft copy web birch', 'croft copy web birch --dry-run'],
    run: () => import('../commands/replica/copy.ts'),
  },
  {
    noun: 'replica',
    verb: 'ls',
    args: ['[GUEST]'],
    flags: [],
    watch: 'live',
    summary: 'replicas and copies of guests on other hosts, and how far they are behind',
    examples: ['croft replica ls', 'croft replica ls -w', 'croft replica ls web --json=host,state,lagMs'],
    run: () => import('../commands/replica/ls.ts'),
  },
  {
    noun: 'replica',
    verb: 'rm',
    args: ['GUEST', 'HOST'],
    changes: true,
    flags: ['last-copy'],
    summary: 'remove the replica or copy of a guest from a host',
    description:
      'The guest itself stays. When there is no other copy it asks; without a terminal it needs --last-copy.',
    examples: ['croft replica rm web birch', 'croft replica rm web birch --last-copy'],
    run: () => import('../commands/replica/rm.ts'),
  },
]
