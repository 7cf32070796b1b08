import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResolvedConfig } from '../../../../src/api/app.ts'
import { CroftError } from '../../../../src/api/errors.ts'
import { differencesBetween, linesOf } from '../../../../src/plan/config/compare.ts'
import { withSecrets } from '../../../../src/plan/config/interpolate.ts'
import { parseAppFile } from '../../../../src/plan/config/parse.ts'
import { type Layer, resolveBuild, resolveConfig, secretsOf } from '../../../../src/plan/config/resolve.ts'
import { setValue, unsetValue } from '../../../../src/plan/config/set.ts'

const layer = (name: Layer['name'], text: string): Layer => ({ name, from: `of ${name}`, config: parseAppFile(text) })
const resolve = (...texts: readonly string[]): ResolvedConfig =>
  resolveConfig(
    texts.map((text) => layer('app', text)),
    { site: 'shop/prod', slot: 2, release: 'shop:v1' },
  ).config
const refused = (run: () => unknown, message: string | RegExp): void => {
  assert.throws(run, (thrown) => {
    assert.ok(thrown instanceof CroftError)
    if (typeof message === 'string') assert.equal(thrown.message, message)
    else assert.match(thrown.message, message)
    return true
  })
}

test('a higher layer goes before a lower one, value by value, in whatever order they come', () => {
  const layers = [
    layer('stage', '[env]\nA = "stage"\n[daemon.web]\nmemory = "1G"'),
    layer('platform', '[env]\nA = "platform"\nB = "platform"\n[daemon.web]\ncommand = "a"\nport = 80'),
    layer('app', '[daemon.web]\ncommand = "b"'),
  ]
  const { config, origins } = resolveConfig(layers, { site: 'shop/prod', slot: 1 })
  assert.deepEqual(config.env, { A: 'stage', B: 'platform' })
  assert.deepEqual(
    [config.daemon.web?.command, config.daemon.web?.port, config.daemon.web?.memoryBytes],
    ['b', 80, 1024 ** 3],
  )
  assert.deepEqual(origins['env.A'], { layer: 'stage', from: 'of stage' })
  assert.deepEqual(origins['daemon.web.command'], { layer: 'app', from: 'of app' })
})

test('a list replaces the one below; "..." in it stands for that one', () => {
  const packages = (...lists: readonly string[]) =>
    resolve(...lists.map((list) => `[build]\npackages = ${list}`)).build.packages
  assert.deepEqual(packages('["a", "b"]', '["c"]'), ['c'])
  assert.deepEqual(packages('["a", "b"]', '["...", "c"]'), ['a', 'b', 'c'])
  assert.deepEqual(packages('["a"]', '["b", "..."]', '["c", "...", "d"]'), ['c', 'b', 'a', 'd'])
  assert.deepEqual(packages('["...", "a"]'), ['a'])
  refused(() => packages('["...", "..."]'), /once at most/)
})

test('names in texts are replaced, across sections; $${ is ${', () => {
  const config = resolve(
    `[env]
     PORT = "\${daemon.web.port}"
     URL = "http://\${app.name}.example.org:\${env.PORT}/\${stage}/\${slot}/\${release}"
     SHELL = "$\${HOME} $HOME"
     [daemon.web]
     command = "serve \${env.URL} \${site}"
     port = 8080`,
  )
  assert.equal(config.env.URL, 'http://shop.example.org:8080/prod/2/shop:v1')
  assert.equal(config.env.SHELL, '${HOME} $HOME')
  assert.equal(config.daemon.web?.command, 'serve http://shop.example.org:8080/prod/2/shop:v1 shop/prod')
})

test('a folder that is named is the one inside of the instance', () => {
  const { env, data } = resolve(
    '[env]\nBOX = "${data.box.path}/a"\nHERE = "${daemon.web.directory}"\n[data.box]\npath = "box"\n[daemon.web]\ncommand = "a"\ndirectory = "bin/"',
  )
  assert.deepEqual([env.BOX, data.box?.path, env.HERE], ['/srv/app/box/a', '/srv/app/box', '/srv/app/bin'])
})

test('what is set at the wrong place is told the right one', () => {
  refused(() => setValue({}, 'memory', '300M'), /instances\.size, and a daemon daemon\.NAME\.memory/)
  refused(() => setValue({}, 'EXTRA', '1'), /did you mean "env\.EXTRA"\?/)
  refused(() => setValue({}, 'constructor', '1'), /is nothing of a configuration; there is app/)
})

test('circles, unknown names and what grows without end are refused, with their paths', () => {
  refused(
    () => resolve('[env]\nA = "${env.B}"\nB = "x${env.C}"\nC = "${env.A}"'),
    'env.A → env.B → env.C → env.A goes round in a circle',
  )
  refused(() => resolve('[env]\nA = "${env.A}"'), 'env.A → env.A goes round in a circle')
  refused(
    () => resolve('[env]\nPORT = "1"\nA = "${env.PROT}"'),
    'env.A: there is no ${env.PROT}; did you mean ${env.PORT}?',
  )
  refused(() => resolve('[env]\nPORT = "1"\nA = "${PORT}"'), 'env.A: there is no ${PORT}; did you mean ${env.PORT}?')
  refused(() => resolve('[env]\nA = "${toString}"'), 'env.A: there is no ${toString}')
  refused(() => resolve('[env]\nA = "${env.B"\nB = "1"'), /^env\.A: there is no/)
  const laughs = Array.from({ length: 30 }, (_, index) => `A${index + 1} = "\${env.A${index}}\${env.A${index}}"`)
  refused(() => resolve(`[env]\nA0 = "ha"\n${laughs.join('\n')}`), /grows beyond 64 KiB/)
})

test('what unfolds to too much in all, or leads too deep, is refused before it fills memory or stack', () => {
  const names = Array.from({ length: 1500 }, (_, index) => `v${index} = "\${env.B}\${slot}"`)
  const bomb = `[env]\nA = "${'a'.repeat(1000)}"\nB = "${'${env.A}'.repeat(60)}\${slot}"\n${names.join('\n')}`
  refused(() => resolve(bomb), 'the configuration unfolds to more than 512 KiB')
  const wide = `[env]\nA = "${'a'.repeat(30_000)}"\nB = "${'${env.A}'.repeat(4000)}"`
  refused(() => resolve(wide), 'env.B grows beyond 64 KiB')
  const chain = (length: number) =>
    `[env]\n${Array.from({ length }, (_, index) => `e${index} = "\${env.e${index + 1}}"`).join('\n')}\ne${length} = "end"`
  assert.equal(resolve(chain(60)).env.e0, 'end')
  refused(() => resolve(chain(2500)), /names lead to names more than 64 times/)
  refused(() => resolve('[instances]\ncount = 1000'), /must be 1 to 100/)
})

test('a secret is named in the configuration and never in it', () => {
  const config = resolve(
    '[env]\nURL = "mysql://x:${secret.DB}@db"\nPLAIN = "$${secret.DB}"\n[daemon.web]\ncommand = "a"\nenv.K = "${secret.KEY}"',
  )
  assert.deepEqual(secretsOf(config), ['DB', 'KEY'])
  assert.equal(withSecrets(config.env.URL ?? '', { DB: 'p$&w' }), 'mysql://x:p$&w@db')
  assert.equal(withSecrets(config.env.PLAIN ?? '', {}), '${secret.DB}')
  refused(() => withSecrets(config.env.URL ?? '', {}), 'there is no secret DB')
  refused(() => resolve('[daemon.web]\ncommand = "a ${secret.DB}"'), /may stand in an environment only/)
  refused(
    () => resolve('[env]\nA = "${secret.DB}"\n[daemon.web]\ncommand = "a ${env.A}"'),
    /may stand in an environment only/,
  )
})

test('lines of an environment get into nothing that is one line', () => {
  assert.equal(resolve('[env]\nPEM = "a\\nb"\nB = "${env.PEM}"').env.B, 'a\nb')
  refused(
    () => resolve('[env]\nPEM = "a\\nb"\n[daemon.web]\ncommand = "a ${env.PEM}"'),
    'daemon.web.command must be one line of printable characters',
  )
  refused(
    () => resolve('[env]\nPEM = "a\\nb"\n[daemon.web]\ncommand = "a"\nunit.Nice = "${env.PEM}"'),
    /must be one line/,
  )
})

test('what is missing or does not fit together is told', () => {
  refused(() => resolve('[daemon.web]\nport = 80'), '[daemon.web] has no command')
  refused(
    () => resolve('[daemon.web]\ncommand = "a"\nhealth = "/up"'),
    '[daemon.web] has no port, which its health check asks',
  )
  refused(() => resolve('[cron.a]\ncommand = "a"'), '[cron.a] has no schedule')
  refused(() => resolve('[data.a]\nsize = "1G"'), '[data.a] has no path')
  refused(() => resolve('[data.a]\npath = "/etc/x"'), /nothing that lasts can be at \/etc\/x/)
  refused(() => resolve('[data.a]\npath = "."'), /nothing that lasts can be at \/srv\/app/)
  refused(() => resolve('[data.a]\npath = "x"\n[data.b]\npath = "x/y"'), /lie in each other/)
  refused(() => resolve('[route]\ndomains = ["a.example.org"]'), /no daemon that has a port/)
  refused(() => resolve('[daemon.a]\ncommand = "a"\nport = 80\n[route]\npaths."/x" = "b"'), /there is no daemon "b"/)
})

test('an empty command switches off what a layer below says', () => {
  const config = resolve(
    '[daemon.web]\ncommand = "a"\n[cron.a]\ncommand = "a"\nschedule = "daily"\n[before]\ncommand = "m"',
    '[daemon.web]\ncommand = ""\n[cron.a]\ncommand = ""\n[before]\ncommand = ""',
  )
  assert.deepEqual([config.daemon, config.cron, config.before], [{}, {}, null])
})

test('a build needs no site, and looks only at what it names', () => {
  const layers = [layer('app', '[env]\nURL = "${site}"\nNODE = "18"\n[build]\ncommands = ["make NODE=${env.NODE}"]')]
  const { app, build } = resolveBuild(layers, 'shop')
  assert.deepEqual([app.name, build.commands, build.base], ['shop', ['make NODE=18'], 'debian:12'])
})

test('single values are set, read as croft.toml means them, and taken away', () => {
  const cases: readonly (readonly [string, unknown, unknown])[] = [
    ['daemon.web.port', '8080', { daemon: { web: { port: 8080 } } }],
    ['daemon.web.memory', '512M', { daemon: { web: { memoryBytes: 512 * 1024 ** 2 } } }],
    ['daemon.web.unit.Service.Nice', '5', { daemon: { web: { unit: { 'Service.Nice': '5' } } } }],
    ['daemon.web.health', '/up', { daemon: { web: { health: { kind: 'http', path: '/up' } } } }],
    ['env.constructor_', 'x', { env: { constructor_: 'x' } }],
    ['build.packages', 'a, b', { build: { packages: ['a', 'b'] } }],
    ['build.submodules', 'true', { build: { submodules: true } }],
    ['route.body-max', '10M', { route: { settings: { bodyMax: '10M' } } }],
    ['route.paths./v1.2', 'web', { route: { paths: { '/v1.2': 'web' } } }],
    ['instances.count', '3', { instances: { count: 3 } }],
  ]
  for (const [path, value, expected] of cases) {
    const set = setValue({}, path, value)
    assert.deepEqual(set, expected, path)
    assert.deepEqual(unsetValue(set, path), {}, path)
  }
  refused(
    () => setValue({}, 'daemon.web.prot', '1'),
    '"daemon.web.prot" is nothing of a configuration; did you mean "port"?',
  )
  refused(() => setValue({}, 'daemon.web', '1'), '"daemon.web" is a table; a value is at daemon.web.command')
  refused(() => setValue({}, 'daemon.web.port', 'x'), 'daemon.web.port must be 1 to 65535')
  refused(() => setValue({}, 'daemon.web.port.x', '1'), 'daemon.web.port is a value, and has nothing inside')
  for (const path of ['env.__proto__', 'daemon.constructor.port', '__proto__.a', 'toString.a', 'env.', 'env', ''])
    assert.throws(() => setValue({}, path, '1'), CroftError, path)
})

test('each value is explained, with those that it goes before', () => {
  const stage: Layer = {
    ...layer('stage', '[env]\nA = "s"'),
    origins: { 'env.A': { layer: 'stage', from: 'croft config set', by: 'root', at: '2026-01-01T00:00:00Z' } },
  }
  const layers = [layer('app', '[env]\nA = "a"\n[daemon.web]\ncommand = "x"\nmemory = "64M"'), stage]
  const rows = linesOf(resolveConfig(layers, { site: 'shop/prod', slot: 1 }), true, layers)
  assert.deepEqual(
    rows.find(({ path }) => path === 'env.A'),
    {
      path: 'env.A',
      value: 's',
      origin: stage.origins?.['env.A'],
      overridden: [{ value: 'a', origin: { layer: 'app', from: 'of app' } }],
    },
  )
  assert.deepEqual(
    rows.find(({ path }) => path === 'daemon.web.memory'),
    { path: 'daemon.web.memory', value: '64M', origin: { layer: 'app', from: 'of app' } },
  )
  assert.equal(rows.find(({ path }) => path === 'build.base')?.origin, undefined)
})

test('what differs is told value by value, as croft.toml says it', () => {
  const at = (text: string) => resolveConfig([layer('app', text)], { site: 'shop/prod', slot: 1 })
  const before = at('[env]\nA = "1"\nB = "1"\n[daemon.web]\ncommand = "a"\nport = 80\nhealth = "/up"').config
  const after = at('[env]\nA = "2"\n[daemon.web]\ncommand = "a"\nport = 80\nhealth = "/up"\nmemory = "1G"')
  const origin = { layer: 'app', from: 'of app' }
  assert.deepEqual(differencesBetween(before, after), [
    { path: 'daemon.web.memory', now: null, next: '1G', origin },
    { path: 'env.A', now: '1', next: '2', origin },
    { path: 'env.B', now: '1', next: null },
  ])
  assert.deepEqual(differencesBetween(after.config, after), [])
})
