import type { CommandRow } from '../command.ts'

const settings = [
  'aliases',
  'names',
  'https',
  'passthrough',
  'client-address',
  'sticky',
  'compress',
  'check',
  'allow',
  'deny',
  'user',
  'rate',
  'body-max',
  'timeout',
  'queue',
  'connections',
  'noindex',
  'maintenance',
  'maintenance-text',
  'retry-after',
  'redirect',
  'upstream',
  'status',
] as const

/** What the HTTPS edge serves. */
export const routeCommands: readonly CommandRow[] = [
  {
    noun: 'route',
    verb: 'add',
    args: ['DOMAIN[/PATH]', '[GUEST[:PORT]]'],
    settings,
    changes: true,
    flags: ['redirect', 'upstream'],
    summary: 'serve a domain, or a path of one, from a guest',
    description:
      'The guest is asked at this port (80), and kept when it is renamed. Instead of a guest --redirect names where everybody is sent, ' +
      '--upstream a server that is not of the farm. :5432 in the place of the domain is a port of TCP. user= asks for a password, by the ' +
      'terminal or a line of stdin for each.',
    examples: [
      'croft route add shop.example.org web:8080',
      'croft route add shop.example.org/api api:3000 rate=50/s',
      'croft route add shop.example.org web aliases=www.shop.example.org,shop.example.net',
      'croft route add old.example.org --redirect https://shop.example.org',
      'croft route add shop.example.org --upstream https://198.51.100.7',
      'croft route add :5432 db:5432',
      'croft route add mail.example.org mail:443 passthrough=yes',
    ],
    run: () => import('../commands/route/add.ts'),
  },
  {
    noun: 'route',
    verb: 'ls',
    args: [],
    flags: [],
    watch: true,
    summary: 'what the edge serves, from where, and since its start how often',
    examples: ['croft route ls', 'croft route ls -w'],
    run: () => import('../commands/route/ls.ts'),
  },
  {
    noun: 'route',
    verb: 'show',
    args: ['ROUTE'],
    flags: [],
    watch: true,
    summary: 'one route, all its settings, and why it does not serve',
    examples: ['croft route show shop.example.org'],
    run: () => import('../commands/route/show.ts'),
  },
  {
    noun: 'route',
    verb: 'set',
    args: ['ROUTE'],
    settings: ['to', ...settings],
    changes: true,
    flags: [],
    summary: 'change where a route leads, and how',
    description:
      'An empty value takes a setting back to what it is by itself. user=lark asks for a password, user=-lark takes the user away, ' +
      'user= all of them.',
    examples: [
      'croft route set shop.example.org maintenance=yes retry-after=30m',
      'croft route set shop.example.org to=web2:8080',
      'croft route set shop.example.org user=lark',
      'croft route set shop.example.org allow= rate=50/s body-max=10M',
    ],
    run: () => import('../commands/route/set.ts'),
  },
  {
    noun: 'route',
    verb: 'rm',
    args: ['ROUTE...'],
    changes: true,
    flags: [],
    summary: 'serve it no longer; its names are free',
    examples: ['croft route rm shop.example.org'],
    run: () => import('../commands/route/rm.ts'),
  },
]
