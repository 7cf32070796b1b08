import type { CommandRow } from '../command.ts'

/** The farm from outside: its door, who may come in, and how to come in. */
export const doorCommands: readonly CommandRow[] = [
  {
    noun: 'farm',
    verb: 'show',
    args: [],
    flags: [],
    watch: true,
    summary: 'the farm: its prefixes, its CA, its door to the outside',
    examples: ['croft farm show', 'croft farm show -o json'],
    run: () => import('../commands/farm/show-farm.ts'),
  },
  {
    noun: 'farm',
    verb: 'set',
    args: [],
    settings: [
      'listen',
      'edge-http',
      'edge-https',
      'edge-addresses',
      'edge-operators',
      'preview-domain',
      'resolvers',
      'acme-directory',
      'acme-email',
      'acme-agreed',
      'mesh',
    ],
    changes: true,
    flags: [],
    summary: 'the farm’s door to the outside, and where and how its edge serves',
    description:
      'Who comes in by the door shows a token (croft token add). The edge is what croft route add serves from; an empty value takes a setting ' +
      'back to what it is by itself.',
    examples: [
      'croft farm set listen=:8443',
      'croft farm set listen=198.51.100.1:8443',
      'croft farm set listen=off',
      'croft farm set mesh=none',
      'croft farm set preview-domain=preview.example.net',
      'croft farm set edge-https=203.0.113.5:443,[2001:db8::5]:443',
    ],
    run: () => import('../commands/farm/set-farm.ts'),
  },
  {
    noun: 'farm',
    verb: 'store',
    args: ['[ACT]', '[FILE]'],
    flags: ['discard-data'],
    changes: true,
    summary: 'where the farm’s store is, and how its members are; or restore it from a snapshot',
    description:
      'One host has its store in a file. With several it is etcd: one member with two hosts, three with three, five with five and more, which croft starts, ' +
      'replaces and ends by itself. Each host with a member takes a snapshot every six hours and keeps eight. `restore FILE` makes the store what it was then, on ' +
      'this host; while the store answers that takes --discard-data. The others are brought in anew.',
    examples: [
      'croft farm store',
      'croft farm store restore /var/lib/croft/store-snapshots/store-20261121T120000Z.snapshot',
    ],
    run: () => import('../commands/farm/store.ts'),
  },
  {
    noun: 'token',
    verb: 'ls',
    args: [],
    flags: [],
    watch: true,
    summary: 'who may come from outside',
    examples: ['croft token ls'],
    run: () => import('../commands/token/ls.ts'),
  },
  {
    noun: 'token',
    verb: 'show',
    args: ['TOKEN'],
    flags: [],
    summary: 'one token; its secret was said once and is kept nowhere',
    examples: ['croft token show laptop'],
    run: () => import('../commands/token/show.ts'),
  },
  {
    noun: 'token',
    verb: 'add',
    args: ['TOKEN'],
    changes: true,
    flags: ['role', 'expires', 'login', 'cert', 'address'],
    summary: 'let somebody in from outside; says the secret once',
    description:
      'With --login it prints one word for croft login, good for one login within 15 minutes; without, a token for programs (CROFT_TOKEN, or Authorization: Bearer).',
    examples: [
      'croft token add laptop --login',
      'croft token add monitor --role reader --expires 365d',
      'croft token add metrics --role reader --cert',
      'croft token add phone --login --role reader --address croft.example.org',
    ],
    run: () => import('../commands/token/add.ts'),
  },
  {
    noun: 'token',
    verb: 'rm',
    args: ['TOKEN...'],
    changes: true,
    bulk: true,
    flags: [],
    summary: 'remove tokens: they are refused at once',
    examples: ['croft token rm laptop', 'croft token rm laptop monitor -y'],
    run: () => import('../commands/token/rm.ts'),
  },
  {
    verb: 'join',
    args: ['[TOKEN]'],
    changes: true,
    flags: ['name', 'pool', 'pool-path', 'pool-size', 'erase', 'address', 'witness'],
    summary: 'make this host one of the farm that has invited it',
    description:
      'TOKEN is what croft host invite printed on a host of the farm; without it, or with -, it is typed unseen or comes by stdin. A join that was cut short is ' +
      'typed again as it was.',
    examples: [
      'croft join cf1.198.51.100.1:8443.mG7…',
      'croft join - --name birch --pool device --pool-path /dev/nvme1n1 --erase nvme1n1',
      'croft join - --witness',
    ],
    run: () => import('../commands/croft/join.ts'),
  },
  {
    verb: 'login',
    args: ['[WHERE]'],
    flags: ['fingerprint'],
    summary: 'speak to a farm from here from now on',
    description:
      'WHERE is what croft token add --login printed, or a host. A host shows the fingerprint of its CA, which is asked about unless --fingerprint gives it; the token is typed, or comes by stdin. Without WHERE, or with -, that word is read too. --farm is the name to keep it under.',
    examples: ['croft login', 'croft login croft.example.org', 'croft login 198.51.100.1:8443 --farm work'],
    run: () => import('../commands/croft/login.ts'),
  },
  {
    verb: 'logout',
    args: ['[FARM]'],
    flags: [],
    summary: 'forget a login',
    examples: ['croft logout', 'croft logout meadow'],
    run: () => import('../commands/croft/logout.ts'),
  },
  {
    verb: 'use',
    args: ['[FARM]'],
    flags: [],
    summary: 'which farm commands go to; all of them without a name',
    description:
      'local is the farm of this machine. --farm and CROFT_FARM choose for one command, CROFT_TOKEN brings another token.',
    examples: ['croft use', 'croft use meadow'],
    run: () => import('../commands/croft/use.ts'),
  },
]
