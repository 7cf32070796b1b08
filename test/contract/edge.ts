/** What every edge driver promises. Requests are put by the world that the driver stands in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  Edge,
  EdgeCertificate,
  EdgeServer,
  EdgeWish,
  LogPage,
  Site,
  SiteTarget,
} from '../../src/drivers/edge/driver.ts'

export interface Answer {
  readonly status: number
  readonly location?: string
  readonly text?: string
  /** The id of the server that answered. */
  readonly by?: string
}

export interface EdgeWorld {
  readonly edge: Edge
  /** They answer, with their ids. */
  readonly servers: readonly [EdgeServer, EdgeServer]
  /** Nobody listens there. */
  readonly dead: EdgeServer
  /** Self-signed, made anew each time. */
  certificate(name: string, names: readonly string[]): EdgeCertificate
  /** Undefined when nobody listens. */
  ask(host: string, path: string, by?: 'http' | 'https'): Promise<Answer | undefined>
  /** As a foreign hand does: no process of the edge is left. */
  kill(): Promise<void>
  /** Another program of the host takes this address, until it is disposed of. */
  occupy(listen: string): Promise<AsyncDisposable>
}

export const listens = { http: ['127.0.0.1:80'], https: ['127.0.0.1:443'] } as const
export const limits = { timeoutSeconds: 20, queueSeconds: 5 } as const
export const toServers = (...servers: readonly EdgeServer[]): SiteTarget => ({
  kind: 'servers',
  servers,
  sticky: false,
  clientAddress: 'headers',
})

/** A route that asks for nothing in particular. */
export const siteOf = (id: string, host: string, rest: Partial<Site> & Pick<Site, 'target'>): Site => ({
  ...{ id, hosts: [host], path: '/', aliases: [], https: 'both', limits, compress: false, noindex: [] },
  ...{ allow: [], deny: [], users: [] },
  ...rest,
})

/** Lines are written a moment after the answer. */
async function untilSome(count: number, read: () => Promise<LogPage>): Promise<LogPage> {
  const end = performance.now() + 10_000
  for (;;) {
    const page = await read()
    if (page.lines.length >= count || performance.now() > end) return page
    await sleep(10)
  }
}

/** What the tests of the contract wish for and ask, in that world. */
export function wishesIn(world: () => EdgeWorld) {
  let standing: EdgeCertificate | undefined
  const wishOf = (...sites: readonly Site[]): EdgeWish => {
    standing ??= world().certificate('farm', [])
    return { ...listens, sites, streams: [], certificates: [standing], tokens: [], operators: [], near: [] }
  }
  const shop = (rest: Partial<Site> = {}) =>
    siteOf('shop', 'shop.example.org', { target: toServers(world().servers[0]), ...rest })
  const one = () => world().servers[0]
  const two = () => world().servers[1]
  const by = async (host: string, path = '/') => (await world().ask(host, path))?.by
  return { wishOf, shop, one, two, by }
}

export function edgeContract(name: string, world: () => EdgeWorld): void {
  const { wishOf, shop, one, two, by } = wishesIn(world)

  test(`${name}: before it was told anything it does not run`, async () => {
    assert.deepEqual(await world().edge.state(), { running: false, workers: 0, memoryBytes: null, listens: [] })
    assert.equal((await world().edge.counters()).size, 0)
    assert.equal(await world().ask('shop.example.org', '/'), undefined)
  })

  test(`${name}: it serves what was wished, and told twice it does nothing`, async () => {
    assert.equal(await world().edge.serve(wishOf(shop())), 'start')
    for (const scheme of ['http', 'https'] as const)
      assert.equal((await world().ask('shop.example.org', '/', scheme))?.by, one().id)
    assert.equal((await world().ask('other.example.org', '/'))?.status, 404)
    assert.equal(await world().edge.serve(wishOf(shop())), 'none')
    const { running, workers, memoryBytes } = await world().edge.state()
    assert.ok(running && workers === 1 && (memoryBytes ?? 0) > 0)
  })

  test(`${name}: of paths the longest that fits whole segments counts, of names the one that is written out`, async () => {
    const api = siteOf('api', 'shop.example.org', { path: '/api', target: toServers(two()) })
    const any = siteOf('any', '*.example.org', { target: toServers(two()) })
    await world().edge.serve(wishOf(shop(), api, any))
    assert.equal(await by('shop.example.org', '/'), one().id)
    assert.equal(await by('shop.example.org', '/apix'), one().id)
    assert.equal(await by('shop.example.org', '/x/api'), one().id)
    assert.equal(await by('shop.example.org', '/api'), two().id)
    assert.equal(await by('shop.example.org', '/api/x'), two().id)
    assert.equal(await by('other.example.org', '/api'), two().id)
    assert.equal((await world().ask('a.b.example.org', '/'))?.status, 404)
    assert.equal((await world().ask('example.org', '/'))?.status, 404)
  })

  test(`${name}: servers come, rest and go without new workers`, async () => {
    await world().edge.serve(wishOf(shop()))
    const target = (...servers: EdgeServer[]) => wishOf(shop({ target: toServers(...servers) }))
    assert.equal(await world().edge.serve(target(one(), two())), 'runtime')
    assert.equal(await world().edge.serve(target({ ...one(), state: 'drain' }, two())), 'runtime')
    for (let times = 0; times < 4; times++) assert.equal(await by('shop.example.org'), two().id)
    assert.equal(await world().edge.serve(target(two())), 'runtime')
    assert.equal(await by('shop.example.org'), two().id)
    assert.equal(await world().edge.serve(target(one())), 'runtime')
    assert.equal(await by('shop.example.org'), one().id)
    const moved = { ...one(), address: two().address, port: two().port }
    assert.equal(await world().edge.serve(target(moved)), 'runtime')
    assert.equal(await by('shop.example.org'), two().id)
    assert.equal(await world().edge.serve(target(moved)), 'none')
  })

  test(`${name}: names, aliases, certificates and tokens are words to the process`, async () => {
    await world().edge.serve(wishOf(shop()))
    const more = shop({ hosts: ['shop.example.org', 'store.example.org'], aliases: ['www.example.org'] })
    assert.equal(await world().edge.serve(wishOf(more)), 'runtime')
    assert.equal(await by('store.example.org'), one().id)
    const led = await world().ask('www.example.org', '/a')
    assert.deepEqual([led?.status, led?.location], [301, 'https://shop.example.org/a'])
    const tokens = [{ token: 'tok_1-a', answer: 'tok_1-a.Xy_z-9' }]
    assert.equal(await world().edge.serve({ ...wishOf(more), tokens }), 'runtime')
    const asked = await world().ask('anybody.example.net', '/.well-known/acme-challenge/tok_1-a')
    assert.deepEqual([asked?.status, asked?.text], [200, 'tok_1-a.Xy_z-9'])
    const own = world().certificate('shop', ['shop.example.org'])
    const certificates = [...wishOf().certificates, own]
    assert.equal(await world().edge.serve({ ...wishOf(more), certificates }), 'runtime')
    const renewed = { ...own, pem: world().certificate('shop', ['shop.example.org']).pem }
    assert.equal(
      await world().edge.serve({ ...wishOf(more), certificates: [...wishOf().certificates, renewed] }),
      'runtime',
    )
    assert.equal(await world().edge.serve(wishOf(more)), 'runtime')
    assert.equal(await world().edge.serve(wishOf(shop())), 'runtime')
    assert.equal((await world().ask('store.example.org', '/'))?.status, 404)
  })

  test(`${name}: https only leads there, redirects lead elsewhere, maintenance is 503`, async () => {
    const old = siteOf('old', 'old.example.org', {
      target: { kind: 'redirect', to: 'https://new.example.org/x', status: 308, keepPath: true },
    })
    const away = siteOf('away', 'away.example.org', {
      target: toServers(one()),
      maintenance: { retryAfterSeconds: 60 },
    })
    assert.equal(await world().edge.serve(wishOf(shop({ https: 'only' }), old, away)), 'reload')
    const led = await world().ask('shop.example.org', '/a', 'http')
    assert.deepEqual([led?.status, led?.location], [301, 'https://shop.example.org/a'])
    assert.equal((await world().ask('shop.example.org', '/a', 'https'))?.by, one().id)
    const elsewhere = await world().ask('old.example.org', '/a')
    assert.deepEqual([elsewhere?.status, elsewhere?.location], [308, 'https://new.example.org/x/a'])
    assert.equal((await world().ask('away.example.org', '/'))?.status, 503)
  })

  test(`${name}: requests and servers are counted by site`, async () => {
    await world().edge.serve(wishOf(shop()))
    const before = (await world().edge.counters()).get('shop')?.requests ?? 0
    for (let times = 0; times < 3; times++) await by('shop.example.org')
    const counters = (await world().edge.counters()).get('shop')
    assert.equal((counters?.requests ?? 0) - before, 3)
    assert.deepEqual([counters?.servers, counters?.serversUp], [1, 1])
    assert.deepEqual([await world().edge.open(one().id), await world().edge.open('nobody')], [0, 0])
  })

  test(`${name}: who answers is known, and who does not`, async () => {
    const lost = siteOf('lost', 'lost.example.org', { target: toServers(world().dead) })
    await world().edge.serve(wishOf(shop(), lost, siteOf('none', 'none.example.org', { target: toServers() })))
    const end = performance.now() + 20_000
    const told = async () => [...(await world().edge.answering())].map(([id, { answers }]) => `${id} ${answers}`).sort()
    while ((await told()).join() !== 'lost false,shop true') {
      assert.ok(performance.now() < end, (await told()).join())
      await sleep(50)
    }
    assert.equal(await by('shop.example.org'), one().id)
  })

  test(`${name}: what was answered can be read, of one site and from where the last page ended`, async () => {
    const other = siteOf('other', 'other.example.org', { target: toServers(two()) })
    await world().edge.serve(wishOf(shop(), other))
    const { next } = await world().edge.readLog({ tail: 1 })
    for (const path of ['/a', '/b', '/c']) await world().ask('shop.example.org', path)
    await world().ask('other.example.org', '/d')
    await world().ask('nobody.example.org', '/e')
    const all = await untilSome(5, () => world().edge.readLog({ tail: 100, after: next }))
    assert.deepEqual(
      all.lines.map(({ site, host, path, status, server }) => [site, host, path, status, server]),
      [
        ...['/a', '/b', '/c'].map((path) => ['shop', 'shop.example.org', path, 200, one().id]),
        ['other', 'other.example.org', '/d', 200, two().id],
        [undefined, 'nobody.example.org', '/e', 404, undefined],
      ],
    )
    const last = await world().edge.readLog({ site: 'shop', tail: 2 })
    assert.deepEqual(
      last.lines.map(({ path }) => path),
      ['/b', '/c'],
    )
    assert.deepEqual((await world().edge.readLog({ tail: 10, after: all.next })).lines, [])
  })
}
