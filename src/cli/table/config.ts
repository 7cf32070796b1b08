import type { CommandRow } from '../command.ts'

/** What a site is given: its configuration, and its secrets. */
export const configCommands: readonly CommandRow[] = [
  {
    noun: 'config',
    verb: 'show',
    args: ['SITE'],
    flags: ['explain', 'instance', 'all'],
    watch: true,
    summary: 'the configuration of a site, all layers joined',
    description:
      'platform, then croft.toml, then what was set of the site, then of its host, then of one instance: the last word counts. --explain says whose ' +
      'it is. --all shows what nobody said, too.',
    examples: ['croft config show shop/prod --explain', 'croft config show shop/prod --instance 2 --all'],
    run: () => import('../commands/config/show.ts'),
  },
  {
    noun: 'config',
    verb: 'set',
    args: ['SITE', 'SETTING=VALUE...'],
    changes: true,
    flags: ['instance', 'host', 'deploy'],
    summary: 'set values of a site’s configuration; croft config apply brings them to it',
    description:
      'Settings are named as in croft.toml: env.DB_HOST is DB_HOST below [env]. A list is said with commas; ... in it stands for what croft.toml says. --instance and --host say it for those alone; ' +
      'a host says it of an application in /etc/croft/sites/shop.toml too, which must be root’s.',
    examples: [
      'croft config set shop/prod env.DB_HOST=db.meadow.internal instances.count=3',
      'croft config set shop/prod route.domains=...,shop.example.net --reason "new name"',
      'croft config set shop/prod env.ROLE=leader --instance 1',
      'croft config set shop/prod instances.count=2 --deploy',
    ],
    run: () => import('../commands/config/set.ts'),
  },
  {
    noun: 'config',
    verb: 'unset',
    args: ['SITE', 'SETTING...'],
    changes: true,
    flags: ['instance', 'host', 'deploy'],
    summary: 'forget what was set: croft.toml and platform say it again',
    examples: ['croft config unset shop/prod env.DB_HOST'],
    run: () => import('../commands/config/unset.ts'),
  },
  {
    noun: 'config',
    verb: 'apply',
    args: ['SITE'],
    changes: true,
    flags: [],
    summary: 'bring what was set, secrets too, to a site: the release that runs, in new instances, as a deploy does',
    description:
      'Nothing is built, wherever you stand. Where nothing differs nothing is done; --dry-run says what would be.',
    examples: ['croft config apply shop/prod', 'croft config apply shop/prod --dry-run'],
    run: () => import('../commands/config/apply.ts'),
  },
  {
    noun: 'config',
    verb: 'diff',
    args: ['SITE', '[RELEASE]'],
    flags: ['exit-code'],
    summary: 'what the next deploy would change in a site’s configuration',
    description: 'Of the release that runs, or another one. With --exit-code it exits 10 when there is something.',
    examples: ['croft config diff shop/prod', 'croft config diff shop/prod shop:v2 --exit-code'],
    run: () => import('../commands/config/diff.ts'),
  },
  {
    noun: 'config',
    verb: 'changed',
    args: [],
    flags: ['exit-code'],
    summary: 'of all sites what was set and is not deployed yet',
    examples: ['croft config changed', 'croft config changed --exit-code'],
    run: () => import('../commands/config/changed.ts'),
  },
  {
    noun: 'secret',
    verb: 'set',
    args: ['SITE', 'SECRET', '[VALUE]'],
    changes: true,
    flags: ['deploy'],
    summary: 'set a secret of a site, from the terminal or stdin',
    description:
      'It is kept sealed and told to nobody but the site’s instances, from the next deploy on: as a file in /etc/croft/credentials, and ' +
      'in the environment where croft.toml says DB_PASSWORD = "${secret.DB_PASSWORD}". All of stdin is taken, without a newline at its end. A value ' +
      'on the command line is refused: everybody on the machine sees it there.',
    examples: ['croft secret set shop/prod DB_PASSWORD', 'croft secret set shop/prod TLS_KEY --reason "new key"'],
    run: () => import('../commands/secret/set.ts'),
  },
  {
    noun: 'secret',
    verb: 'ls',
    args: ['SITE'],
    flags: [],
    summary: 'which secrets a site has; not what they are',
    examples: ['croft secret ls shop/prod'],
    run: () => import('../commands/secret/ls.ts'),
  },
  {
    noun: 'secret',
    verb: 'rm',
    args: ['SITE', 'SECRET...'],
    changes: true,
    flags: [],
    summary: 'remove secrets of a site',
    examples: ['croft secret rm shop/prod DB_PASSWORD'],
    run: () => import('../commands/secret/rm.ts'),
  },
]
