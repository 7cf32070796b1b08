import type { CommandRow } from '../command.ts'

/** Entering guests, their files and what they say. */
export const insideCommands: readonly CommandRow[] = [
  {
    noun: 'guest',
    verb: 'exec',
    args: ['[GUEST...]'],
    command: 'required',
    bulk: true,
    flags: ['env', 'user', 'cwd', 'plain', 'interactive', 'tty'],
    summary: 'run a command inside',
    description:
      'stdin goes along, and there is a terminal when stdin and stdout are one. Exits as the command does; 125 is a failure of croft, 126 and 127 mean that it cannot be run or is not there. ' +
      'In several guests each line bears the name of its guest. In an instance of a site it runs as the daemons do: user app, in /srv/app, with their environment, secrets too; --plain and --user leave that out.',
    examples: [
      'croft exec web -- apt-get update',
      'croft exec web ls -la /srv',
      'croft exec --all -- uptime',
      'croft exec shop/prod/1 -- ./manage.py migrate',
      'croft exec shop/prod/1 --plain -- systemctl status app-web',
      'croft exec web --user www-data --cwd /srv -- git pull',
    ],
    run: () => import('../commands/guest/exec.ts'),
  },
  {
    noun: 'guest',
    verb: 'shell',
    args: ['GUEST'],
    flags: ['env', 'user', 'plain'],
    summary: 'a shell inside, as root; in an instance of a site as its daemons run, unless --plain',
    examples: ['croft shell web', 'croft shell shop/prod/1', 'croft shell web --user www-data'],
    run: () => import('../commands/guest/shell.ts'),
  },
  {
    noun: 'guest',
    verb: 'console',
    args: ['GUEST'],
    flags: [],
    summary: 'the console of a guest, where it boots and asks for a login',
    description: 'Ctrl-a q leaves it. A login needs a user with a password: croft exec web passwd.',
    examples: ['croft console web'],
    run: () => import('../commands/guest/console.ts'),
  },
  {
    noun: 'guest',
    verb: 'push',
    args: ['FILE...', 'GUEST:/PATH'],
    flags: ['chown', 'chmod'],
    summary: 'copy files and folders of this host into a guest',
    description:
      'Running or stopped. Into a folder that is there, else under the new name. - is stdin. One file is there whole or not at all; ' +
      'a file that is replaced keeps its owner, what is new is root’s.',
    examples: [
      'croft push motd web:/etc/motd',
      'croft push site a.conf web:/srv',
      'croft push app web:/srv --chown www-data',
      'croft push - web:/etc/motd',
    ],
    run: () => import('../commands/guest/push.ts'),
  },
  {
    noun: 'guest',
    verb: 'pull',
    args: ['GUEST:/PATH', '[DEST]'],
    flags: ['max'],
    summary: 'copy a file or folder of a guest to this host',
    description:
      'Running or stopped. - is stdout. Devices, and links that lead out of the folder, are left out and named (exit 6); no file ' +
      'gets setuid.',
    examples: ['croft pull web:/etc/hosts', 'croft pull web:/srv backup --max 2G', 'croft pull web:/etc/motd -'],
    run: () => import('../commands/guest/pull.ts'),
  },
  {
    noun: 'guest',
    verb: 'logs',
    args: ['GUEST'],
    flags: ['follow', 'since', 'tail', 'grep', 'unit', 'daemon', 'cron', 'boot', 'console'],
    summary: 'what a guest has logged',
    description:
      'Its journal; /var/log/messages or syslog when it keeps none; of a guest that does not run the console. With --boot, where there ' +
      'is no journal, the console since its last start. Of a site: those of all instances that run, each line with the number of its instance.',
    examples: [
      'croft logs web',
      'croft logs web -f -n 20 --unit nginx',
      'croft logs shop/prod/2 --daemon web --since=-10min',
      'croft logs shop/prod/1 --cron cleanup',
      'croft logs shop/prod -f --grep error',
      'croft logs web --since=-1h --grep error',
      'croft logs web --boot',
      'croft logs web --boot=-1 -n 50',
      'croft logs web --console',
    ],
    run: () => import('../commands/guest/logs.ts'),
  },
  {
    noun: 'guest',
    verb: 'top',
    args: ['[GUEST...]'],
    flags: ['label', 'all'],
    watch: 'live',
    summary: 'what guests use now',
    description: 'Repainted on a terminal until Ctrl-C; printed once elsewhere.',
    examples: ['croft top', 'croft top --sort -memory', 'croft top --json'],
    run: () => import('../commands/guest/top.ts'),
  },
]
