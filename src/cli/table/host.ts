import type { CommandRow } from '../command.ts'

export const hostCommands: readonly CommandRow[] = [
  {
    noun: 'farm',
    verb: 'balance',
    args: [],
    flags: ['dry-run'],
    summary: 'which guests would be better off on another host; nothing is moved',
    description:
      'Proposals in the order that they would be made, each on what those before it leave; guests on drained hosts come first. Instances of sites are spread by their ' +
      'site, guests with folders of their host stay.',
    examples: ['croft farm balance --dry-run', 'croft farm balance --json=guest,to'],
    run: () => import('../commands/farm/balance.ts'),
  },
  {
    noun: 'host',
    verb: 'set',
    args: ['HOST'],
    settings: ['tags', 'overcommit', 'disk-overcommit', 'reserve', 'send-rate'],
    changes: true,
    flags: [],
    summary: 'tags of a host, how much it may promise to its guests, and how fast it sends disks',
    description:
      'Memory that guests may have counts as promised, whether they run or not. A farm of several hosts promises what its hosts have, less a reserve; one host ' +
      'alone promises what it is asked for, unless overcommit is set. Disks take what is written to them: they are promised freely unless disk-overcommit is set. ' +
      'What it sends to other hosts (templates, guests that move, replicas) goes at send-rate together, from the next second on; --rate of each holds as well.',
    examples: [
      'croft host set birch overcommit=1.5',
      'croft host set birch tags=ssd,rack2 reserve=4G',
      'croft host set birch send-rate=50M',
      'croft host set birch overcommit=none',
    ],
    run: () => import('../commands/host/set.ts'),
  },
  {
    noun: 'host',
    verb: 'drain',
    args: ['HOST'],
    changes: true,
    flags: ['move', 'some', 'rate', 'parallel'],
    summary: 'give a host no new guests, and with --move bring those it has to other hosts',
    description:
      'Instances of sites go elsewhere by themselves: others are begun there before they go. Guests, and sites with lasting data, stay, unless --move is said: then each is moved where it fits best, one at a time or ' +
      '--parallel so many, the large ones first. Nothing is changed when one of them cannot go; --some moves the others. It goes on when you stop watching, and when the daemon begins anew.',
    examples: [
      'croft host drain birch --reason "new disks"',
      'croft host drain birch --move --dry-run',
      'croft host drain birch --move --some --rate 100M --parallel 2',
    ],
    run: () => import('../commands/host/drain.ts'),
  },
  {
    noun: 'host',
    verb: 'undrain',
    args: ['HOST'],
    changes: true,
    flags: [],
    summary: 'let a drained host take guests again',
    examples: ['croft host undrain birch'],
    run: () => import('../commands/host/undrain.ts'),
  },
  {
    noun: 'host',
    verb: 'leave',
    args: ['[HOST]'],
    changes: true,
    flags: [],
    summary: 'take a host without guests out of the farm; this one when none is named',
    description: 'It forgets the farm, its keys too. Its pool stays as it is.',
    examples: ['croft host leave birch', 'croft host leave -y --reason "sold"'],
    run: () => import('../commands/host/leave.ts'),
  },
  {
    noun: 'host',
    verb: 'declare-dead',
    args: ['HOST'],
    changes: true,
    flags: [],
    summary: 'say that a host does not come back: nobody believes it any more',
    description:
      'Refused while its daemon speaks with the store. What it had stays recorded. It held the keys of the farm: destroy its disks, or begin a farm anew when they may be in other hands.',
    examples: ['croft host declare-dead birch', 'croft host declare-dead birch -y --reason "its power supply burned"'],
    run: () => import('../commands/host/declare-dead.ts'),
  },
]
