import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { platformNames } from '../../../src/api/app.ts'
import { parseAppFile } from '../../../src/plan/config/parse.ts'
import { type Layer, resolveConfig } from '../../../src/plan/config/resolve.ts'
import { detectPlatform, isTelling, platforms, writeToml } from '../../../src/plan/platforms/table.ts'
import { instanceFiles } from '../../../src/plan/units.ts'

const detect = (files: Readonly<Record<string, string>>) =>
  detectPlatform(Object.keys(files), (path) => {
    assert.ok(isTelling(path), path)
    return files[path]
  })
const layersOf = (text: string): Layer[] => {
  const config = parseAppFile(text)
  const platform = config.app?.platform ?? 'plain'
  return [
    { name: 'platform', from: platform, config: platforms[platform].defaults },
    { name: 'app', from: 'croft.toml', config },
  ]
}

test('every platform resolves to something that can be put on a disk', () => {
  for (const name of platformNames) {
    const said = name === 'plain' ? '\n[daemon.web]\ncommand = "a"\nport = 8080' : ''
    const { config } = resolveConfig(layersOf(`[app]\nplatform = "${name}"${said}`), { site: 'shop/prod', slot: 1 })
    assert.equal(config.app.platform, name)
    assert.notEqual(config.daemon.web?.port, null, name)
    assert.equal(config.route.paths['/'], 'web')
    const files = instanceFiles({
      config,
      site: 'shop/prod',
      slot: 1,
      name: 'shop/prod/1',
      release: 'shop:v1',
      farm: 'meadow',
      secrets: {},
    })
    assert.ok(files.some(({ path }) => path.endsWith('/app-web.service')))
    for (const unit of platforms[name].masks ?? [])
      assert.ok(files.some((file) => file.path.endsWith(`/${unit}`) && 'link' in file && file.link === '/dev/null'))
  }
})

const found: readonly (readonly [string, Readonly<Record<string, string>>, string, string])[] = [
  [
    'node',
    { 'package.json': '{"scripts":{"start":"node server.js"}}', 'server.js': '' },
    'daemon.web.command',
    'node server.js',
  ],
  [
    'node',
    { 'package.json': '{"scripts":{"start":"next start"},"dependencies":{"next":"1"}}', 'package-lock.json': '' },
    'build.commands',
    'npm ci',
  ],
  ['node', { 'package.json': '{"main":"index.js"}', 'index.js': '' }, 'daemon.web.command', 'node index.js'],
  [
    'python',
    { 'manage.py': '', 'shop/wsgi.py': '', 'requirements.txt': '' },
    'before.command',
    'venv/bin/python manage.py migrate --noinput',
  ],
  [
    'python',
    { 'app.py': 'app = Flask(__name__)', 'requirements.txt': '' },
    'daemon.web.command',
    'venv/bin/python -m gunicorn --bind 0.0.0.0:8000 app:app',
  ],
  [
    'python',
    { 'main.py': 'app = FastAPI()', 'pyproject.toml': '' },
    'daemon.web.command',
    'venv/bin/python -m uvicorn --host 0.0.0.0 --port 8000 main:app',
  ],
  ['python', { 'app.py': 'def app(environ, start):' }, 'build.packages', 'python3,ca-certificates,gunicorn'],
  ['php', { 'index.php': '' }, 'app.root', '.'],
  [
    'php',
    { 'composer.json': '{"require":{"ext-pdo_mysql":"*"}}', 'public/index.php': '', artisan: '' },
    'before.command',
    'php artisan migrate --force',
  ],
  ['php', { 'wp-load.php': '', 'index.php': '' }, 'data.uploads.path', '/srv/app/wp-content/uploads'],
  ['java', { 'shop.jar': '' }, 'daemon.web.command', 'java -jar shop.jar'],
  [
    'java',
    {
      'pom.xml':
        '<project><parent><artifactId>p</artifactId><version>9</version></parent><artifactId>shop</artifactId><version>1.2</version></project>',
    },
    'build.artifacts',
    'target/shop-1.2.jar',
  ],
  ['jetty', { 'shop.war': '' }, 'app.root', 'shop.war'],
  [
    'jetty',
    { 'pom.xml': '<project><artifactId>shop</artifactId><version>1</version><packaging>war</packaging></project>' },
    'app.root',
    'target/shop-1.war',
  ],
  ['static', { 'index.html': '' }, 'app.root', '.'],
  ['static', { 'dist/index.html': '' }, 'app.root', 'dist'],
  ['plain', { Procfile: 'web: serve -p $PORT\nworker: work\nrelease: migrate\n' }, 'before.command', 'migrate'],
]

test('code is recognised, and what is written down for it is what it runs by', () => {
  for (const [platform, files, path, expected] of found) {
    const detected = detect(files)
    assert.equal(detected?.platform, platform, Object.keys(files).join(' '))
    assert.ok(detected && detected.found.length > 0)
    const text = writeToml(detected, 'shop')
    const { config } = resolveConfig(layersOf(text), { site: 'shop/prod', slot: 1 })
    assert.equal(config.app.name, 'shop')
    const value = path.split('.').reduce<unknown>((inside, key) => (inside as Record<string, unknown>)[key], config)
    assert.equal(String(value), expected, text)
  }
})

test('what is nothing that runs is nothing, and hostile files are no more than that', () => {
  for (const files of [
    {},
    { 'README.md': '' },
    { 'package.json': '{"name":"library"}' },
    { 'main.py': 'print()' },
    { 'package.json': '{' },
    { 'package.json': 'null' },
    { Procfile: 'nothing' },
  ])
    assert.equal(detect(files as Record<string, string>), undefined, Object.keys(files).join())
  const hostile: readonly Readonly<Record<string, string>>[] = [
    { 'package.json': '{"scripts":{"start":"node x\\n[daemon.evil]\\ncommand=1"},"main":"\\"]\\n"}' },
    { 'package.json': '{"main":"a\\"; rm -rf /"}', 'a"; rm -rf /': '' },
    { Procfile: 'web: a "b" \\ ${env.X}\nweb: \u0007bell\n__proto__: x\nconstructor: y' },
    { 'pom.xml': `${'<parent>'.repeat(5000)}<artifactId>"\n[x]</artifactId>` },
    { 'x"\n[evil].jar': '' },
    { '"\n/index.html': '' },
  ]
  for (const files of hostile) {
    const detected = detect(files)
    if (detected === undefined) continue
    const tables = [...writeToml(detected, 'shop').matchAll(/^\[.*\]$/gm)].map(String)
    assert.ok(
      tables.every((table) => /^\[(app|build|env|before|daemon\.[a-z-]+)\]$/.test(table)),
      tables.join(),
    )
  }
})

test('the examples are read, and are of their platform', () => {
  const root = resolve(import.meta.dirname, '../../../examples')
  const files = globSync('*/croft.toml', { cwd: root })
  assert.ok(files.length >= platformNames.length)
  for (const file of files) {
    const { config } = resolveConfig(layersOf(readFileSync(join(root, file), 'utf8')), { site: 'shop/prod', slot: 1 })
    assert.equal(config.app.platform, file.split('/')[0])
    assert.ok(config.daemon.web)
  }
})
