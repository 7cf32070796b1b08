/** Sites change their version, number and configuration while visitors come. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EdgeRoute } from '../../src/api/edge.ts'
import type { Site } from '../../src/api/site.ts'
import type { Ended } from '../../src/daemon/host/inside.ts'
import { type GuestRecord, readAll } from '../../src/daemon/records/records.ts'
import { params, plain, SiteFarm } from './sites-farm.ts'

const v1 = ['shop/prod/1 1 shop:v1 ready', 'shop/prod/2 2 shop:v1 ready']

async function serving(...more: string[]): Promise<SiteFarm> {
  const farm = await new SiteFarm().begun('v1', 'v2', ...more)
  await farm.deployed({ version: 'v1', domains: ['shop.org'] })
  assert.deepEqual(await farm.members(), v1)
  return farm
}
const last = (farm: SiteFarm): string => farm.lines.at(-1) ?? ''

test('a first deploy, a second one, the same again, and back', async () => {
  const farm = await serving()
  const first = await farm.site()
  assert.deepEqual([first.state, first.release, first.domains], ['serves', 'shop:v1', ['shop.org']])
  assert.equal(await farm.asked(), 2)
  await farm.deployed({ version: 'v2' })
  assert.deepEqual(await farm.members(), ['shop/prod/3 1 shop:v2 ready', 'shop/prod/4 2 shop:v2 ready'])
  assert.deepEqual(await farm.guestNames(), ['shop/prod/3', 'shop/prod/4'])
  const again = await farm.deploy({ version: 'v2' })
  assert.deepEqual([again?.operation, again?.unchanged], [null, true])
  const back = await farm.deployed({ back: true })
  assert.equal(back.release, 'shop:v1')
  assert.deepEqual(await farm.members(), ['shop/prod/5 1 shop:v1 ready', 'shop/prod/6 2 shop:v1 ready'])
  await farm.deploy({ anew: true })
  await farm.pass(60)
  assert.deepEqual(await farm.guestNames(), ['shop/prod/7', 'shop/prod/8'], 'a restart is new instances of the same')
})

test('one that never gets well: the reason and the last words are told, the old serve on, and nothing is left', async () => {
  const farm = await serving()
  farm.inside = { run: async (): Promise<Ended> => ({ code: 0, lines: ['Unknown column price_net'] }) }
  farm.kill()
  await farm.boot()
  farm.unwell = ({ number }) => (number > 2 ? 'GET /up answered 500' : undefined)
  const answer = await farm.deploy({ version: 'v2' })
  await farm.pass(2)
  assert.equal(await farm.asked(), 2)
  await farm.pass(20)
  const operation = await farm.operation(answer?.operation?.id ?? '')
  assert.equal(operation.state, 'failed')
  assert.match(
    operation.error?.message ?? '',
    /shop\/prod\/3 is not healthy: GET \/up answered 500, \d+ times in 4 s\n {2}Unknown column/,
  )
  assert.match(operation.error?.message ?? '', /↩ shop:v1 serves on/)
  assert.deepEqual([await farm.members(), await farm.guestNames()], [v1, ['shop/prod/1', 'shop/prod/2']])
  const { state, reason, rollout } = await farm.site()
  assert.deepEqual([state, rollout?.state, rollout?.lines], ['serves', 'failed', ['Unknown column price_net']])
  assert.match(reason ?? '', /the deploy of shop:v2 failed/)
  farm.unwell = () => undefined
  assert.equal((await farm.deployed({ version: 'v2' })).release, 'shop:v2', 'the next one is not held up')
})

test('a number that cannot be: the hint takes it back', async () => {
  const farm = await serving()
  farm.unwell = ({ number }) => (number > 2 ? 'GET /up answered 500' : undefined)
  const answer = await farm.deploy({ instances: 3 })
  await farm.pass(30)
  const { state, error } = await farm.operation(answer?.operation?.id ?? '')
  assert.equal(state, 'failed')
  assert.match(error?.hint ?? '', /^croft site scale shop\/prod 2 /)
  await farm.deploy({ instances: 2 })
  farm.unwell = () => undefined
  await farm.deployed({ version: 'v2' })
  assert.equal((await farm.members()).length, 2)
})

test('waves, and more and fewer of the same: who stays is not touched', async () => {
  const farm = await serving()
  await farm.deployed({ instances: 4 })
  assert.deepEqual(await farm.members(), [...v1, 'shop/prod/3 3 shop:v1 ready', 'shop/prod/4 4 shop:v1 ready'])
  let most = 0
  const asked = new Map<number, number>()
  // It takes a while to get well.
  farm.unwell = ({ number }) => {
    const times = (asked.get(number) ?? 0) + 1
    asked.set(number, times)
    return number > 4 && times < 4 ? 'nothing listens there' : undefined
  }
  const answer = await farm.deploy({ version: 'v2', waves: '1,50%' })
  for (let turns = 0; turns < 80; turns++) {
    await farm.pass(0.25)
    assert.ok((await farm.asked()) >= 4)
    most = Math.max(most, (await farm.guestNames()).length)
  }
  await farm.pass(60)
  assert.equal((await farm.operation(answer?.operation?.id ?? '')).state, 'done')
  assert.equal(most, 8, 'the old ones stay until the last wave has passed')
  await farm.deployed({ instances: 1 })
  assert.deepEqual(await farm.members(), ['shop/prod/5 1 shop:v2 ready'])
  assert.equal((await farm.site()).count, 1)
})

test('held for a time after each wave: one that gets unwell then takes all back, one that stays well does not', async () => {
  const farm = await serving()
  let bad = false
  farm.unwell = ({ number }) => (bad && number > 2 ? 'answers 500' : undefined)
  const answer = await farm.deploy({ version: 'v2', waves: '1', hold: '30s' })
  await farm.pass(20)
  assert.deepEqual(await farm.members(), ['shop/prod/1 1 shop:v1 draining', v1[1], 'shop/prod/3 1 shop:v2 ready'])
  bad = true
  await farm.pass(20)
  bad = false
  await farm.pass(40)
  const { error } = await farm.operation(answer?.operation?.id ?? '')
  assert.match(error?.message ?? '', /^shop\/prod\/3 did not stay healthy: answers 500/)
  assert.deepEqual(await farm.members(), v1)
  const began = farm.clock.now()
  const { release } = await farm.deployed({ version: 'v2', waves: '1', hold: '30s' }, 75)
  assert.equal(release, 'shop:v2')
  const { rollout } = await farm.site()
  assert.ok(Date.parse(rollout?.finished ?? '') - began > 60_000, 'twice 30 s')
  assert.equal(await farm.deploy({ version: 'v1', hold: '2h' }).catch(() => 'refused'), 'refused')
})

test('a worker that nobody asks and that ends while it is held takes all back', async () => {
  const farm = await serving()
  await farm.release('w', {
    ...plain,
    daemon: { ...plain.daemon, worker: { command: 'w', health: { kind: 'none' } } },
  })
  const at = () => String(farm.clock.now() * 1000)
  let ends = false
  farm.inside = {
    run: async (_number, words) => ({
      code: 0,
      lines: words[0] === 'journalctl' && ends ? [endOf('app-worker', at())] : [],
    }),
  }
  await farm.kill()
  await farm.boot()
  const answer = await farm.deploy({ version: 'w', hold: '1m' })
  await farm.pass(20)
  assert.equal((await farm.site()).rollout?.step, 'drain', farm.lines.slice(-12).join('\n'))
  ends = true
  farm.runtime.endOne(3)
  await farm.pass(60)
  const { error } = await farm.operation(answer?.operation?.id ?? '')
  assert.match(error?.message ?? '', /^shop\/prod\/3 did not stay healthy: worker ended with 1/)
  assert.deepEqual(await farm.members(), v1)
})

const endOf = (unit: string, at: string): string =>
  JSON.stringify({
    ...{ __REALTIME_TIMESTAMP: at, MESSAGE_ID: '98e322203f7a4ed290d09fe03c09fe15' },
    ...{ UNIT: `${unit}.service`, EXIT_CODE: 'exited', EXIT_STATUS: '1' },
  })

test('the second deploy is refused while one is under way, and cancel takes it back', async () => {
  const farm = await serving()
  farm.unwell = ({ number }) => (number > 2 ? 'nothing listens there' : undefined)
  const answer = await farm.deploy({ version: 'v2' })
  await farm.pass(3)
  assert.equal(await farm.deploy({ instances: 3 }), undefined)
  assert.match(last(farm), /BUSY: shop\/prod is being deployed by root since .*: shop:v2, gate/)
  assert.equal(await farm.ask('actSite', { params, body: { do: 'stop' } }), undefined)
  assert.match(last(farm), /BUSY/)
  const operation = answer?.operation?.id ?? ''
  await farm.ask('cancelOperation', { params: { operation } })
  await farm.pass(5)
  assert.equal((await farm.operation(operation)).state, 'cancelled')
  assert.deepEqual([await farm.members(), await farm.guestNames()], [v1, ['shop/prod/1', 'shop/prod/2']])
  assert.equal(await farm.asked(), 2)
})

test('the step before traffic runs once, in the first new instance; when it fails nothing is switched', async () => {
  const farm = await new SiteFarm().begun()
  await farm.release('v1', { ...plain, before: { command: './migrate', timeoutSeconds: 5 } })
  const ran: string[] = []
  let code = 0
  farm.inside = {
    async run(number, words): Promise<Ended> {
      if (words[0] === 'systemctl' && words[1] === 'start') ran.push(`${number} ${words[2]}`)
      return words[0] === 'systemctl' && words[1] === 'show'
        ? { code: 0, lines: [] }
        : { code, lines: ['no such table'] }
    },
  }
  farm.kill()
  await farm.boot()
  await farm.deployed({ version: 'v1' })
  assert.deepEqual(ran, ['1 croft-before.service'])
  code = 1
  const answer = await farm.deploy({ anew: true })
  await farm.pass(30)
  const { state, error } = await farm.operation(answer?.operation?.id ?? '')
  assert.equal(state, 'failed')
  assert.match(error?.message ?? '', /before failed: \.\/migrate/)
  assert.deepEqual(await farm.members(), v1)
})

test('stopped and started again: it is asked once it is well, and a stopped one is not deployed', async () => {
  const farm = await serving()
  await farm.ask('actSite', { params, body: { do: 'stop' } })
  await farm.pass(40)
  assert.deepEqual([(await farm.site()).state, await farm.asked()], ['stopped', 0])
  assert.equal(await farm.stateOf('shop/prod/1'), 'stopped')
  assert.equal(await farm.deploy({ version: 'v2' }), undefined)
  assert.match(last(farm), /REFUSED: site "shop\/prod" is stopped/)
  farm.unwell = () => 'nothing listens there'
  const answer = (await farm.ask('actSite', { params, body: { do: 'start' } })) as { operation: { id: string } }
  await farm.pass(10)
  assert.equal(await farm.asked(), 0)
  farm.unwell = () => undefined
  await farm.pass(30)
  assert.deepEqual([(await farm.site()).state, await farm.asked()], ['serves', 2])
  assert.equal((await farm.operation(answer.operation.id)).state, 'done')
})

test('an instance whose guest does not start any more is made anew, of what serves', async () => {
  const farm = await serving()
  farm.runtime.kill(1)
  await farm.pass(10)
  assert.equal(await farm.asked(), 2, 'its host starts it again')
  await farm.store.transact(
    [],
    [
      {
        put: 'status/ash/guest/00001',
        value: { state: 'failed', generation: 1, since: '', name: 'shop/prod/1', reason: 'no such file' },
      },
    ],
  )
  await farm.pass(20)
  assert.deepEqual((await farm.members()).sort(), ['shop/prod/2 2 shop:v1 ready', 'shop/prod/3 1 shop:v1 ready'])
  assert.equal((await farm.rollout())?.repair, true)
})

test('what lasts is in each instance, and the same after the next deploy; a site that goes amid a deploy leaves nothing', async () => {
  const farm = await new SiteFarm().begun('v2')
  const data = { uploads: { path: '/srv/app/uploads', sizeBytes: 2 ** 30 } }
  await farm.release('v1', { ...plain, data })
  await farm.release('v3', { ...plain, data })
  const volumes = async () =>
    (await readAll<GuestRecord>(farm.store, 'guests/ash/')).map(({ value }) => JSON.stringify(value.spec.volumes))
  await farm.deployed({ version: 'v1', domains: ['shop.org'] })
  const [first, second] = await volumes()
  assert.match(first ?? '', /"target":"\/srv\/app\/uploads"/)
  assert.equal(first, second)
  await farm.deployed({ version: 'v3' })
  assert.deepEqual(await volumes(), [first, first])
  farm.unwell = ({ number }) => (number > 4 ? 'nothing listens there' : undefined)
  await farm.deploy({ version: 'v2' })
  await farm.pass(1)
  assert.equal(await farm.ask('removeSite', { params, query: {} }), undefined)
  assert.match(last(farm), /REFUSED: site "shop\/prod" has lasting data: uploads/)
  await farm.ask('removeSite', { params, query: { discardData: '1' } })
  await farm.pass(60)
  assert.equal(await farm.ask('getSite', { params }), undefined)
  assert.deepEqual([await farm.guestNames(), await farm.members(), await farm.asked()], [[], [], 0])
})

test('domains are routes of the site: whose else they are refuses the deploy before anything is changed', async () => {
  const farm = await serving()
  const route = async (name: string) =>
    (await farm.ask('getRoute', { params: { route: name } })) as EdgeRoute | undefined
  assert.deepEqual([(await route('shop.org'))?.kind, (await route('shop.org'))?.target], ['site', 'shop/prod'])
  assert.equal(await farm.ask('removeRoute', { params: { route: 'shop.org' } }), undefined)
  assert.match(last(farm), /REFUSED: route "shop.org" is one of the domains of site "shop\/prod"/)
  await farm.ask('changeRoute', { params: { route: 'shop.org' }, body: { maintenance: 'yes' } })
  assert.equal((await route('shop.org'))?.maintenance, true, 'everything else is said as of any route')
  await farm.ask('addRoute', { body: { name: 'taken.org', redirect: 'https://b.org' } })
  assert.equal(await farm.deploy({ version: 'v2', domains: ['new.org', 'taken.org'] }), undefined)
  assert.match(last(farm), /EXISTS: taken.org belongs to route "taken.org"/)
  assert.deepEqual([await route('new.org'), (await farm.site()).domains], [undefined, ['shop.org']])
  await farm.deployed({ domains: ['new.org', 'shop.org'] })
  assert.deepEqual([await farm.asked('new.org'), await farm.asked('shop.org')], [2, 2])
  assert.deepEqual(await farm.members(), v1, 'another name makes no other instance')
  await farm.ask('addRoute', { body: { name: 'own.org', to: 'shop/prod' } })
  assert.equal(await farm.asked('own.org'), 2)
  await farm.ask('removeSite', { params, query: {} })
  await farm.pass(60)
  assert.deepEqual(await farm.guestNames(), [])
  assert.equal(await farm.ask('getSite', { params }), undefined)
  assert.equal((await route('own.org'))?.state, 'no-target')
  assert.equal(await route('new.org'), undefined)
})

test('an app takes no name from around another app’s site; an operator may add it as a route', async () => {
  const farm = await serving()
  await farm.ask('addSite', { body: { name: 'evil/prod' } })
  await farm.release('v1', plain, 'evil')
  const evil = { site: 'evil/prod' }
  for (const domain of ['login.shop.org', '*.shop.org', 'a.b.shop.org'])
    for (const domains of [[domain], ['evil.org', domain]]) {
      assert.equal(await farm.ask('deploySite', { params: evil, body: { version: 'v1', domains } }), undefined)
      assert.match(last(farm), /EXISTS: .* one above the other/, domain)
    }
  assert.ok(await farm.ask('deploySite', { params: evil, body: { version: 'v1', domains: ['myshop.org'] } }))
  await farm.pass(60)
  assert.equal(await farm.asked('myshop.org'), 2)
  await farm.ask('addRoute', { body: { name: 'login.shop.org', to: 'evil/prod' } })
  assert.equal(await farm.asked('login.shop.org'), 2)
  await farm.deployed({ domains: ['shop.org', 'own.shop.org'] })
  assert.equal(await farm.asked('own.shop.org'), 2)
})

test('two deploys at once that ask for one name, or for one above the other: one has it, the other is told who', async () => {
  const farm = await serving()
  await farm.ask('addSite', { body: { name: 'evil/prod' } })
  await farm.release('v1', plain, 'evil')
  for (const [mine, theirs] of [
    ['new.org', 'new.org'],
    ['*.best.org', 'login.best.org'],
  ] as const) {
    const evil = { params: { site: 'evil/prod' }, body: { version: 'v1', anew: true, domains: [theirs] } }
    farm.unwell = () => 'nothing listens there'
    const own = farm.deploy({ anew: true, domains: ['shop.org', mine] })
    const answers = await Promise.all([own, farm.ask('deploySite', evil)])
    assert.equal(answers.filter((answer) => answer !== undefined).length, 1, mine)
    assert.match(
      `${farm.refused?.code}: ${farm.refused?.message}`,
      /EXISTS: .*(best|new)\.org goes to (shop|evil)\/prod, which is being deployed/,
    )
    farm.unwell = () => undefined
    await farm.pass(60)
    assert.equal((await farm.asked(mine)) + (mine === theirs ? 0 : await farm.asked(theirs)), 2)
  }
})

test('a route that is added amid a deploy keeps its name: the deploy goes back at once', async () => {
  const farm = await serving()
  farm.unwell = () => 'nothing listens there'
  const answer = await farm.deploy({ version: 'v2', domains: ['shop.org', 'late.org'] })
  await farm.ask('addRoute', { body: { name: 'late.org', redirect: 'https://b.org' } })
  farm.unwell = () => undefined
  await farm.pass(15)
  const { state, error } = await farm.operation(answer?.operation?.id ?? '')
  assert.equal(state, 'failed')
  assert.match(error?.message ?? '', /late\.org belongs to route "late\.org"/)
  assert.deepEqual(await farm.members(), v1)
})

test('instances whose configurations are too much together are refused, and others are answered meanwhile', async () => {
  const farm = await new SiteFarm().begun()
  const env = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`V${index}`, 'x'.repeat(20_000)]))
  await farm.release('v1', { ...plain, env: { ...env, SLOT: '${slot}' }, instances: { count: 100 } })
  let turns = 0
  let done = false
  const count = () => {
    turns += 1
    if (!done) setImmediate(count)
  }
  count()
  assert.equal(await farm.deploy({ version: 'v1' }), undefined)
  done = true
  assert.match(last(farm), /are more than 4 MiB together/)
  assert.ok(turns > 10, `${turns} turns`)
  assert.equal(await farm.rollout(), undefined)
})

test('data larger than the pool is refused, and nothing is made', async () => {
  const farm = await new SiteFarm().begun()
  await farm.release('v1', { ...plain, data: { files: { path: 'files', sizeBytes: 900 * 1024 ** 4 } } })
  assert.equal(await farm.deploy({ version: 'v1' }), undefined)
  assert.match(last(farm), /BAD_VALUE: data.files.size is more than the pool has/)
  assert.deepEqual([await farm.rollout(), await farm.guestNames()], [undefined, []])
})

test('a first deploy that is refused makes no site, for want of a secret neither', async () => {
  const farm = await new SiteFarm().begun()
  await farm.ask('removeSite', { params })
  const names = async () => ((await farm.ask('listSites', {})) as Site[]).map(({ name }) => name)
  await farm.release('v1', { ...plain, env: { A: '${nothing}' } })
  for (const dryRun of ['0', '1']) {
    assert.equal(await farm.ask('deploySite', { params, query: { dryRun }, body: { version: 'v1' } }), undefined)
    assert.match(last(farm), /BAD_VALUE: env\.A: there is no \$\{nothing\}/)
    assert.deepEqual(await names(), [])
  }
  await farm.release('v2', { ...plain, env: { A: '${secret.KEY}' } })
  assert.equal(await farm.deploy({ version: 'v2' }), undefined)
  assert.match(last(farm), /REFUSED: shop\/prod has no secret KEY/)
  assert.deepEqual(await names(), [])
})
