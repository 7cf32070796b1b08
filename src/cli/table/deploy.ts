import type { CommandRow } from '../command.ts'

/** How sites change. */
export const deployCommands: readonly CommandRow[] = [
  {
    noun: 'app',
    verb: 'deploy',
    args: ['[SITE]', '[VERSION]'],
    changes: true,
    flags: ['instances', 'size', 'waves', 'hold', 'domain', 'git', 'ref', 'tar', 'sha256', 'as', 'label', 'parallel'],
    summary: 'build, and run it as a site; or run a version that was built',
    description:
      'In a folder of code, or with --git or --tar, it builds first; elsewhere it takes the app’s newest release, or the version that is named: v1.2 or shop:v1.2. An app alone is its only site, else its site prod. ' +
      'New instances come beside the old ones, are asked for visitors once all are healthy, and the old ones finish what they have. When one does ' +
      'not get healthy, or the step before traffic fails, the old ones serve on and it exits 1. What --instances, --size and --domain say is ' +
      'kept in the site’s configuration. A second deploy of a site waits for the first; --no-wait refuses it. --dry-run tells what would be built, what differs in the configuration, and the steps.',
    examples: [
      'croft deploy',
      'croft deploy shop/prod v1.2',
      'croft deploy --domain shop.example.org',
      'croft deploy shop/prod v1.3 --instances 4 --waves 1,50%',
      'croft deploy shop/prod --waves host --hold 30s',
      'croft deploy -l stage=prod',
    ],
    run: () => import('../commands/app/deploy.ts'),
  },
  {
    noun: 'site',
    verb: 'rollback',
    args: ['SITE', '[VERSION]'],
    changes: true,
    flags: ['code-only'],
    summary: 'go back to the version before, as a deploy does, and to what was set when it ran',
    description:
      'The release, and what was set of the site when that came to serve, as croft config history tells; with --code-only what is set now stays. Number and size of instances and domains stay as they are. ' +
      'Secrets are not taken back, nor is what a step before traffic did to data.',
    examples: [
      'croft rollback shop/prod',
      'croft site rollback shop/prod v1.1',
      'croft rollback shop/prod --code-only',
    ],
    run: () => import('../commands/site/rollback.ts'),
  },
  {
    noun: 'site',
    verb: 'scale',
    args: ['SITE', 'NUMBER'],
    changes: true,
    flags: ['size'],
    summary: 'run it as more or fewer instances; those that stay are not touched',
    description:
      'Configuration and secrets that were set since the last deploy go along, which makes all instances anew; it is said then.',
    examples: ['croft site scale shop/prod 4'],
    run: () => import('../commands/site/scale.ts'),
  },
  {
    noun: 'site',
    verb: 'restart',
    args: ['SITE'],
    changes: true,
    flags: [],
    summary: 'new instances of the same version, as a deploy does: no request is lost',
    description: 'Configuration that was set since the last deploy goes along; it is said then.',
    examples: ['croft restart shop/prod'],
    run: () => import('../commands/site/restart.ts'),
  },
  {
    noun: 'site',
    verb: 'start',
    args: ['SITE'],
    changes: true,
    flags: [],
    summary: 'start a site that was stopped',
    examples: ['croft start shop/prod'],
    run: () => import('../commands/site/start.ts'),
  },
  {
    noun: 'site',
    verb: 'stop',
    args: ['SITE'],
    changes: true,
    flags: [],
    summary: 'stop all instances of a site once they have answered what they were asked; visitors get 503',
    examples: ['croft stop shop/prod'],
    run: () => import('../commands/site/stop.ts'),
  },
  {
    noun: 'instance',
    verb: 'ls',
    args: ['[SITE]'],
    flags: [],
    watch: true,
    summary: 'the instances of all sites, or of one',
    examples: ['croft instance ls', 'croft ls instances -w'],
    run: () => import('../commands/instance/ls.ts'),
  },
]
