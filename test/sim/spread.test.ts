/** Instances of a site are spread over hosts, go from who is drained, and stay beside their data. */
import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AppConfig } from '../../src/api/app.ts'
import type { Guest } from '../../src/api/guest.ts'
import type { Accepted } from '../../src/api/resources.ts'
import type { Site } from '../../src/api/site.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import type { createFakeRuntime } from '../../src/drivers/runtime/fake/index.ts'
import { HostsFarm, until } from './hosts-farm.ts'
import { templateOnAll } from './hosts-templates.ts'
import { plain } from './sites-farm.ts'

let farm: HostsFarm
before(async () => {
  farm = await HostsFarm.open('ash', 'birch', 'cedar')
  await release('shop', 'v1', plain)
  await until('all say what they can take', async () => (await farm.store.list(keys.allFacts)).entries.length === 3)
})
after(() => farm?.close())

async function release(app: string, version: string, config: AppConfig): Promise<void> {
  await templateOnAll(farm, `${app}:${version}`, {
    ...{ app, version, commit: null, source: 'a folder', platform: 'plain', config },
    ...{ hash: `${app}${version}`, by: 'root', build: 'b', buildSeconds: 1 },
  })
}
async function deployed(site: string, body: object): Promise<void> {
  await farm.ask('birch', 'POST', '/v1/sites', { name: site })
  const path = `/v1/sites/${encodeURIComponent(site)}/deploy?wait=60000`
  const { status, said } = await farm.ask<Accepted<Site>>('cedar', 'POST', path, body)
  assert.equal(status, 200, JSON.stringify(said))
  assert.equal(said.operation?.state, 'done', JSON.stringify(said))
}
/** How many instances each host has. */
async function spread(site: string): Promise<Record<string, number>> {
  const { said } = await farm.ask<Guest[]>('ash', 'GET', '/v1/guests')
  const own = said.filter(({ name, deleting }) => name.startsWith(`${site}/`) && !deleting)
  const hosts = own.map(({ host }) => host)
  return Object.fromEntries(
    [...new Set(hosts)].sort().map((host) => [host, hosts.filter((each) => each === host).length]),
  )
}
const drain = (host: string, drained: boolean) => farm.ask('birch', 'POST', `/v1/hosts/${host}/drain`, { drained })

test('as many here as there, give or take one; a new release is spread as well', async () => {
  await deployed('shop/prod', { version: 'v1', instances: 3 })
  assert.deepEqual(await spread('shop/prod'), { ash: 1, birch: 1, cedar: 1 })
  await release('shop', 'v2', plain)
  await deployed('shop/prod', { version: 'v2' })
  assert.deepEqual(await spread('shop/prod'), { ash: 1, birch: 1, cedar: 1 })
  const { said } = await farm.ask<Guest[]>('ash', 'GET', '/v1/guests')
  for (const { host, placed } of said) assert.equal(placed?.host, host)
})

test('host by host, each where the one was that it replaces', async () => {
  const places = async () => {
    const { said } = await farm.ask<Guest[]>('ash', 'GET', '/v1/guests')
    const parts = said.flatMap(({ spec, host }) =>
      spec.part?.kind === 'instance' ? [[spec.part.slot, host] as const] : [],
    )
    return Object.fromEntries(parts.sort())
  }
  const had = await places()
  const body = { version: 'v1', waves: 'host', hold: '1s' }
  const path = '/v1/sites/shop%2Fprod/deploy?dryRun=1'
  const { steps } = (await farm.ask<Accepted<Site>>('birch', 'POST', path, body)).said
  assert.match(
    steps?.find(({ step }) => step === 'start')?.detail ?? '',
    /^3 new instances, host by host: ash, birch, cedar$/,
  )
  assert.match(steps?.find(({ step }) => step === 'gate')?.detail ?? '', /healthy, and 1 s more after each wave$/)
  await deployed('shop/prod', body)
  assert.deepEqual(await places(), had)
})

test('what a host says of an application is said of the instances that it has', async () => {
  const folder = join(farm.folder, 'birch', 'sites')
  await mkdir(folder, { mode: 0o700 })
  await writeFile(join(folder, 'shop.toml'), '[env]\nWHERE = "on birch"\n', { mode: 0o600 })
  const onBirch = async () => {
    const { said } = await farm.ask<Guest[]>('ash', 'GET', '/v1/guests')
    return said.filter(({ name }) => name.startsWith('shop/')).map(({ name, host }) => `${name} ${host}`)
  }
  const had = await onBirch()
  await deployed('shop/prod', { version: 'v1', waves: 'host' })
  const now = await onBirch()
  assert.deepEqual(
    now.filter((one) => !had.includes(one)).map((one) => one.split(' ')[1]),
    ['birch'],
    'the others are what they were made from',
  )
  const [name = ''] = now.find((one) => one.endsWith(' birch'))?.split(' ') ?? []
  const { said } = await farm.ask<Guest>('cedar', 'GET', `/v1/guests/${encodeURIComponent(name)}`)
  const slot = said.spec.part?.kind === 'instance' ? said.spec.part.slot : 0
  const config = async (query: string) =>
    (
      await farm.ask<{ values: { path: string; value: unknown; origin?: { from: string } }[] }>(
        'cedar',
        'GET',
        `/v1/sites/shop%2Fprod/config?all=1${query}`,
      )
    ).said.values
  const [where] = (await config(`&instance=${slot}`)).filter(({ path }) => path === 'env.WHERE')
  assert.equal(where?.value, 'on birch', JSON.stringify(where))
  assert.deepEqual(
    (await config('')).filter(({ path }) => path === 'env.WHERE'),
    [],
  )
  const again = ['ash', 'POST', '/v1/sites/shop%2Fprod/deploy?dryRun=1', { version: 'v1' }] as const
  assert.deepEqual((await farm.ask<Accepted<Site>>(...again)).said.steps, [], 'the same again changes nothing')
  await rm(folder, { recursive: true })
})

test('what ends is noticed on the host where it was, and told on all', async () => {
  const { said } = await farm.ask<Guest[]>('ash', 'GET', '/v1/guests')
  for (const [host, status] of [
    ['ash', '1'],
    ['birch', '2'],
  ] as const) {
    const guest = said.find((each) => each.host === host && !each.deleting) ?? assert.fail()
    const runtime = farm.get(host).parts.runtime as ReturnType<typeof createFakeRuntime>
    runtime.endOne(guest.number)
    const line = JSON.stringify({
      ...{ __REALTIME_TIMESTAMP: String((Date.now() + 3000) * 1000), MESSAGE_ID: '98e322203f7a4ed290d09fe03c09fe15' },
      ...{ UNIT: 'app-web.service', EXIT_CODE: 'exited', EXIT_STATUS: status },
    })
    farm.insides.set(host, {
      run: async (number, words) => ({
        code: 0,
        lines: words[0] === 'journalctl' && number === guest.number ? [line] : [],
      }),
    })
  }
  const exits = async () => (await farm.ask<Site>('cedar', 'GET', '/v1/sites/shop%2Fprod')).said.exits ?? []
  await until('both are told', async () => (await exits()).length === 2, 90_000)
  const told = (await exits()).map(({ why, times }) => `${why}, ${times}`).sort()
  assert.deepEqual(told, ['ended with 1, 1', 'ended with 2, 1'])
  farm.insides.clear()
})

test('a drained host loses its instances, one that was begun elsewhere for each', async () => {
  type Said = Accepted<{ leaving: number }>
  const planned = await farm.ask<Said>('ash', 'POST', '/v1/hosts/birch/drain?dryRun=1', { drained: true })
  const left = planned.said.steps?.find(({ step }) => step === 'leave')
  assert.match(`${left?.what}: ${left?.detail}`, /^shop\/prod\/\d+: begun elsewhere/)
  const { said: drained } = await farm.ask<Said>('birch', 'POST', '/v1/hosts/birch/drain', { drained: true })
  assert.equal(drained.result?.leaving, 1)
  await until('none is on birch', async () => (await spread('shop/prod')).birch === undefined)
  await until('all three serve elsewhere', async () => {
    const { said } = await farm.ask<Site>('ash', 'GET', '/v1/sites/shop%2Fprod')
    return said.state === 'serves' && (await spread('shop/prod')).ash !== undefined
  })
  const now = await spread('shop/prod')
  assert.equal((now.ash ?? 0) + (now.cedar ?? 0), 3)
  await drain('birch', false)
})

test('a host is emptied, as any host is asked: guests are moved, instances begun elsewhere', async () => {
  await farm.templates()
  for (const name of ['web', 'blog'])
    await farm.ask('ash', 'POST', '/v1/guests?wait=20000', { name, template: 'ash:1', host: 'ash' })
  const { status, said } = await farm.ask<Accepted & { message?: string }>(
    ...(['cedar', 'POST', '/v1/hosts/ash/drain?wait=60000', { drained: true, move: true, parallel: 2 }] as const),
  )
  assert.deepEqual([status, said.operation?.state], [200, 'done'], JSON.stringify(said))
  assert.equal(said.operation?.log.at(-1), 'ash is empty: 2 guests were moved')
  const { said: all } = await farm.ask<Guest[]>('birch', 'GET', '/v1/guests')
  assert.deepEqual(
    all.filter(({ host }) => host === 'ash').map(({ name }) => name),
    [],
  )
  assert.deepEqual([...new Set(all.map(({ status: at }) => at?.state))], ['running'])
  await drain('ash', false)
})

test('instances that share data are on one host, and say so when that has no room', async () => {
  await release('mill', 'v1', { ...plain, data: { files: { path: '/srv/files' } } })
  await deployed('mill/prod', { version: 'v1', instances: 3 })
  const [[host, count] = ['', 0], ...others] = Object.entries(await spread('mill/prod'))
  assert.deepEqual([count, others], [3, []])
  await drain(host, true)
  await release('mill', 'v2', { ...plain, data: { files: { path: '/srv/files' } } })
  const { said } = await farm.ask<Accepted<Site> & { message?: string }>(
    ...(['ash', 'POST', '/v1/sites/mill%2Fprod/deploy?wait=90000', { version: 'v2' }] as const),
  )
  assert.match(said.message ?? '', new RegExp(`${host}: it is drained; its data lies there`))
  assert.deepEqual(await spread('mill/prod'), { [host]: 3 })
})
