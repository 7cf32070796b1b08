/** What is wrong with a croft.toml is told before a build, with its line; a plan of a build and a deploy changes nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Accepted } from '../../src/api/resources.ts'
import { readAppFile } from '../../src/plan/config/parse.ts'
import { params, SiteFarm } from './sites-farm.ts'

const head = '[app]\nname = "shop"\n[daemon.web]\ncommand = "run"\nport = 8080\n'
const cases: readonly (readonly [text: string, told: RegExp])[] = [
  [
    '[env]\nURL = "http://${env.HSOT}/"\nHOST = "a"',
    /BAD_VALUE: croft\.toml:7:7: env\.URL: .*did you mean \$\{env\.HOST\}\?/,
  ],
  ['[env]\nA = "${env.B}"\nB = "${env.A}"', /BAD_VALUE: croft\.toml:7:5: env\.A → env\.B → env\.A goes round/],
  ['[instances]\nsize = "giant"', /NOT_FOUND: croft\.toml:7:8: no size "giant"/],
  [
    '[daemon.api]\ncommand = "api"\nport = 8080',
    /BAD_VALUE: croft\.toml:8:8: daemon\.api\.port is 8080, as is daemon\.web/,
  ],
  ['[build]\nbase = "slackware:1"', /TEMPLATE_NOT_FOUND: croft\.toml:7:8: no template "slackware:1"/],
  ['[build]\nmemory = "900G"', /BAD_VALUE: croft\.toml:7:10: build\.memory may be/],
  ['[data.box]\npath = "/etc/x"', /BAD_VALUE: croft\.toml:7:8: data\.box: nothing that lasts/],
  [
    '[env]\nURL = "b://u:${secret.B}@h"\nA = "${secret.A}"',
    /REFUSED: croft\.toml:8:5: shop\/prod has no secrets A, B$/,
  ],
  ['[build]\nsecrets = ["NPM"]', /NOT_FOUND: croft\.toml:7:11: build\.secrets names NPM, not set for builds of shop$/],
  ['[build]\nsecrets = ["DEPLOY_KEY"]', /REFUSED: croft\.toml:7:11: build\.secrets names DEPLOY_KEY/],
  ['[cron.night]\ncommand = "x"', /BAD_VALUE: croft\.toml:6:7: \[cron\.night\] has no schedule/],
  ['[route]\npaths = { "/api" = "apy" }', /BAD_VALUE: croft\.toml:7:20: route\.paths\./],
]

test('each mistake is told with its place, by the plan of a deploy and by that of a build', async () => {
  const farm = await new SiteFarm().begun('v1')
  const query = { dryRun: '1' }
  for (const [text, told] of cases) {
    const planned = { about: 'a folder', toml: `${head}${text}\n` }
    assert.equal(await farm.ask('deploySite', { params, query, body: { planned } }), undefined, text)
    assert.match(farm.lines.at(-1) ?? '', told)
    const build = (await farm.ask('addBuild', { params: { app: 'shop' }, query, body: { planned } })) as Accepted
    // What a site may still set is no mistake of a build that is for none.
    if (text.includes('secret.')) assert.ok(build, 'secrets are of a site')
    else if (text.includes('HSOT'))
      assert.match(build.warnings?.join() ?? '', /^croft\.toml:7:7: .*; a site may set it$/)
    else assert.deepEqual([build, told.test(farm.lines.at(-1) ?? '')], [undefined, true], text)
  }
})

test('what is set of the site counts, and is told as such when it is what does not fit', async () => {
  const farm = await new SiteFarm().begun('v1')
  const plan = (text: string) =>
    farm.ask('deploySite', { params, query: { dryRun: '1' }, body: { planned: { about: 'a', toml: head + text } } })
  await farm.ask('changeConfig', { params, body: { set: { 'env.HOST': 'db' } } })
  assert.ok(await plan('[env]\nURL = "http://${env.HOST}/"\n'))
  await farm.ask('changeConfig', { params, body: { set: { 'daemon.api.command': 'api', 'daemon.api.port': '8080' } } })
  assert.equal(await plan(''), undefined)
  assert.match(farm.lines.at(-1) ?? '', /daemon\.api\.port is 8080.* \(daemon\.api\.port by croft config set\)/)
})

test('a plan tells source, base, cache, differences and the steps of the rollout; nothing is changed', async () => {
  const farm = await new SiteFarm().begun('v1')
  await farm.deployed({ version: 'v1' })
  const before = (await farm.store.get('farm')).revision
  const toml = `${head}[instances]\ncount = 3\n[before]\ncommand = "migrate"\n`
  const ask = async (body: object, query: Record<string, string> = { dryRun: '1' }) =>
    (await farm.ask('deploySite', { params, query, body })) as Accepted
  const { steps = [] } = await ask({ planned: { about: 'a folder at 1234abcd', toml } })
  const said = steps.map(({ what, step, detail }) => `${what} ${step} ${detail}`)
  assert.deepEqual(said.slice(0, 5), [
    'shop source a folder at 1234abcd',
    'shop base plain on debian:12: is there',
    'shop build in a throw-away guest, without a cache yet',
    'shop publish as a release, unless one is of the same files',
    'shop/prod release shop:v1 → shop:new',
  ])
  assert.ok(said.some((line) => /instances\.count.*2.*3/.test(line)))
  assert.deepEqual(said.slice(-4), [
    'shop/prod start 3 new instances',
    'shop/prod before migrate',
    'shop/prod gate wait until all are healthy',
    'shop/prod retire shop/prod/1, shop/prod/2',
  ])
  const fetched = await ask({ planned: { about: 'https://git.example.org/shop.git main' } })
  assert.deepEqual(
    fetched.steps?.map(({ step }) => step),
    ['source', 'build', 'publish', 'deploy'],
  )
  assert.equal(await ask({ planned: { about: 'a', toml } }, {}), undefined, 'for a plan alone')
  assert.equal((await farm.store.get('farm')).revision, before)
})

test('a site that is not there yet lacks what is not set of it: told before it is built', async () => {
  const farm = await new SiteFarm().begun('v1')
  await farm.ask('removeSite', { params })
  const body = { planned: { about: 'a folder', toml: `${head}[env]\nKEY = "\${secret.KEY}"\n` } }
  assert.equal(await farm.ask('deploySite', { params, query: { dryRun: '1' }, body }), undefined)
  assert.deepEqual(
    [farm.refused?.code, farm.refused?.message, farm.refused?.hint],
    [
      'REFUSED',
      'croft.toml:7:7: shop/prod has no secret KEY',
      'croft site add shop/prod · croft secret set shop/prod KEY',
    ],
  )
})

test('places are found in every form of TOML', () => {
  const { where } = readAppFile('[daemon.web]\nenv.A = "x"\nunit = { Service = { Nice = 5 } }\n[env]\n"B" = "y"\n')
  assert.deepEqual(
    ['daemon.web.env.A', 'daemon.web.unit.Service.Nice', 'env.B', 'daemon.web', 'route.domains'].map(where),
    ['croft.toml:2:9', 'croft.toml:3:8', 'croft.toml:5:7', 'croft.toml:1:9', undefined],
  )
})
