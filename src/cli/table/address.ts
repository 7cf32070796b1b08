import type { CommandRow } from '../command.ts'

export const addressCommands: readonly CommandRow[] = [
  {
    noun: 'address',
    verb: 'add',
    args: ['GUEST', 'ADDRESS...'],
    changes: true,
    flags: ['announce'],
    summary: 'route public addresses to a guest, which sends from them too',
    description:
      'They are the guest’s own, live and after each start; what goes out bears the first of them. Nothing comes in before a rule ' +
      'allows it. Where the provider does not route them to this host, --announce makes the host answer for them.',
    examples: ['croft address add web 203.0.113.5', 'croft address add web 203.0.113.5 2001:db8::5 --announce'],
    run: () => import('../commands/address/add.ts'),
  },
  {
    noun: 'address',
    verb: 'ls',
    args: ['[GUEST]'],
    flags: [],
    watch: true,
    summary: 'public addresses, of one guest or of all',
    examples: ['croft address ls', 'croft address ls web'],
    run: () => import('../commands/address/ls.ts'),
  },
  {
    noun: 'address',
    verb: 'rm',
    args: ['ADDRESS...'],
    changes: true,
    flags: [],
    summary: 'take public addresses away from their guests',
    examples: ['croft address rm 203.0.113.5'],
    run: () => import('../commands/address/rm.ts'),
  },
]
