/** PHP behind a small nginx: two daemons, of which `web` answers. */
import type { ResolvedConfig, SeedFile } from '../../api/app.ts'
import { nginxText } from './nginx.ts'
import type { Platform } from './platform.ts'

const socket = '/run/app-php/php.sock'
/** Answered by the interpreter itself, with no file of the application. */
const ping = '/.croft/php'

export const php: Platform = {
  defaults: {
    app: { platform: 'php', root: 'public', fallback: 'index.php' },
    build: { packages: ['nginx-light', 'php-fpm', 'php-cli', 'ca-certificates'] },
    daemon: {
      web: {
        command: 'nginx -e stderr -c /etc/croft/nginx.conf',
        port: 8080,
        // nginx alone listens long before anything is interpreted.
        health: { kind: 'http', path: ping },
        unit: { RuntimeDirectory: 'app-web', 'Unit.After': 'app-php.service' },
      },
      // Its file bears the version of the distribution.
      php: {
        command: 'exec /usr/sbin/php-fpm?.? -F -y /etc/croft/php-fpm.conf',
        unit: { RuntimeDirectory: 'app-php', Type: 'notify' },
      },
    },
  },
  masks: ['nginx.service', ...['7.4', '8.1', '8.2', '8.3', '8.4'].map((version) => `php${version}-fpm.service`)],
  detect(files, read) {
    const wordpress = files.includes('wp-load.php')
    const root =
      wordpress || files.includes('index.php')
        ? '.'
        : ['public', 'web', 'htdocs', 'www'].find((name) => files.includes(`${name}/index.php`))
    const composer = files.includes('composer.json')
    if (root === undefined && !composer) return undefined
    const extensions = wordpress
      ? ['mysql', 'gd', 'xml', 'mbstring', 'curl', 'zip', 'intl']
      : needed(read('composer.json') ?? '')
    const packages = [...extensions.map((name) => `php-${name}`), ...(composer ? ['composer'] : [])]
    const artisan = files.includes('artisan')
    return {
      platform: 'php',
      config: {
        app: { platform: 'php', ...(root === undefined || root === 'public' ? {} : { root }) },
        ...(packages.length > 0
          ? {
              build: {
                packages: ['...', ...packages],
                ...(composer ? { commands: ['composer install --no-dev --no-interaction --optimize-autoloader'] } : {}),
              },
            }
          : {}),
        ...(artisan ? { before: { command: 'php artisan migrate --force' } } : {}),
        ...(wordpress
          ? { data: { uploads: { path: 'wp-content/uploads' } } }
          : artisan
            ? { data: { storage: { path: 'storage/app' } } }
            : {}),
      },
      found: [wordpress ? 'wp-load.php' : composer ? 'composer.json' : `${root === '.' ? '' : `${root}/`}index.php`],
      assumed: {
        ...(artisan ? { 'before.command': 'it is Laravel' } : {}),
        'data.uploads.path': 'what visitors upload lasts',
      },
    }
  },
  files: (config: ResolvedConfig): readonly SeedFile[] => [
    { path: '/etc/croft/nginx.conf', mode: 0o644, text: nginxText(config, 'index.php index.html', scripts) },
    { path: '/etc/croft/php-fpm.conf', mode: 0o644, text: fpm },
  ],
}

/** `ext-gd` → php-gd, where Debian has a package of it and not in the interpreter itself. */
const packaged = [
  'bcmath',
  'bz2',
  'curl',
  'gd',
  'gmp',
  'imap',
  'intl',
  'ldap',
  'mbstring',
  'mysql',
  'pgsql',
  'soap',
  'sqlite3',
  'xml',
  'zip',
  'redis',
  'imagick',
]
const aliases: Readonly<Record<string, string>> = {
  dom: 'xml',
  simplexml: 'xml',
  pdo_mysql: 'mysql',
  mysqli: 'mysql',
  pdo_pgsql: 'pgsql',
  pdo_sqlite: 'sqlite3',
}
function needed(composer: string): string[] {
  const asked = [...composer.matchAll(/"ext-([a-z0-9_]+)"/g)].map(([, name = '']) => aliases[name] ?? name)
  return [...new Set(['mbstring', 'xml', 'curl', 'zip', ...asked])].filter((name) => packaged.includes(name)).sort()
}

const fpm = `[global]
error_log = syslog
daemonize = no
[www]
listen = ${socket}
listen.mode = 0600
pm = dynamic
pm.max_children = 10
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
catch_workers_output = yes
decorate_workers_output = no
clear_env = no
ping.path = ${ping}
`

const scripts = `    location = ${ping} {
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME ${ping};
      fastcgi_pass unix:${socket};
    }
    location ~ \\.php$ {
      try_files $uri =404;
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_param HTTPS $https_by_edge if_not_empty;
      fastcgi_read_timeout 300s;
      fastcgi_pass unix:${socket};
    }
`
