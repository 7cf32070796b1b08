import type { CommandRow } from '../command.ts'

export const volumeCommands: readonly CommandRow[] = [
  {
    noun: 'volume',
    verb: 'ls',
    args: ['[SITE]'],
    flags: [],
    watch: true,
    summary: 'lasting data of all sites, or of one, and caches of builds',
    description: 'An orphan is what no guest has and nothing that is deployed asks for.',
    examples: ['croft volume ls', 'croft volume ls shop/prod --json'],
    run: () => import('../commands/volume/ls.ts'),
  },
  {
    noun: 'volume',
    verb: 'show',
    args: ['VOLUME'],
    flags: [],
    watch: true,
    summary: 'lasting data: its size, what is used of it, and who has it',
    examples: ['croft volume show shop/prod:uploads'],
    run: () => import('../commands/volume/show.ts'),
  },
  {
    noun: 'volume',
    verb: 'rm',
    args: ['VOLUME...'],
    changes: true,
    flags: ['parallel'],
    summary: 'remove lasting data that nothing has any more',
    description: 'It cannot be had again. What a site runs with goes with the site: croft site rm --discard-data.',
    examples: ['croft volume rm shop/prod:old-uploads', 'croft volume rm shop/build:cache'],
    run: () => import('../commands/volume/rm.ts'),
  },
]
