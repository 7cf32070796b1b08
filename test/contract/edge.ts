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
  StreamSite,
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

export function edgeContract(name: string, world: () => EdgeWorld): void {
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

  test(`${name}: an address that somebody else has is left out with what is heard there alone, and taken when it is free`, async () => {
    const stream = (id: string, listen: string): StreamSite => ({
      ...{ id, match: { kind: 'port', listen }, servers: [one()], clientAddress: 'none' },
    })
    const wish = { ...wishOf(shop()), streams: [stream('t1', '127.0.0.1:5001'), stream('t2', '127.0.0.1:5002')] }
    const missed = async () => (await world().edge.missed()).map(({ listen }) => listen)
    const heard = async () => (await world().edge.state()).listens.toSorted()
    const all = [...listens.http, ...listens.https, '127.0.0.1:5001', '127.0.0.1:5002'].sort()
    for (const isRunning of [true, false]) {
      await world().edge.serve(wishOf(shop()))
      if (!isRunning) await world().edge.stop()
      const other = await world().occupy('127.0.0.1:5001')
      assert.equal(await world().edge.serve(wish), isRunning ? 'reload' : 'start')
      assert.deepEqual(await missed(), ['127.0.0.1:5001'])
      assert.deepEqual(
        await heard(),
        all.filter((each) => each !== '127.0.0.1:5001'),
      )
      assert.equal(await by('shop.example.org'), one().id)
      assert.equal(await world().edge.serve(wish), 'none')
      await other[Symbol.asyncDispose]()
      assert.equal(await world().edge.serve(wish), 'reload')
      assert.deepEqual([await missed(), await heard()], [[], all])
    }
  })

  test(`${name}: without its https address a site is not served by http; without its http address it is by https`, async () => {
    await world().edge.stop()
    for (const [lost, http, https] of [
      ['127.0.0.1:443', undefined, undefined],
      ['127.0.0.1:80', undefined, one().id],
    ] as const) {
      const stream: StreamSite = {
        ...{ id: 't1', match: { kind: 'port', listen: '127.0.0.1:5001' }, servers: [one()], clientAddress: 'none' },
      }
      await using _other = await world().occupy(lost)
      assert.equal(await world().edge.serve({ ...wishOf(shop()), streams: [stream] }), 'start')
      assert.deepEqual(
        (await world().edge.missed()).map(({ listen }) => listen),
        [lost],
      )
      for (const [scheme, wanted] of [
        ['http', http],
        ['https', https],
      ] as const)
        assert.equal(
          (
            await world()
              .ask('shop.example.org', '/', scheme)
              .catch(() => undefined)
          )?.by,
          wanted,
        )
      await world().edge.stop()
    }
    await using _http = await world().occupy('127.0.0.1:80')
    await using _https = await world().occupy('127.0.0.1:443')
    await assert.rejects(world().edge.serve(wishOf(shop())), { code: 'FAILED' })
    assert.equal((await world().edge.state()).running, false)
  })

  test(`${name}: what is malformed is refused, and the one before serves on`, async () => {
    await world().edge.serve(wishOf(shop()))
    for (const bad of ['', 'Shop.example.org', 'a b', 'a\nb', 'a/b', 'a%[src]', '"a"', "'a'", 'a\\b', '*', 'a#b'])
      await assert.rejects(world().edge.serve(wishOf(shop({ hosts: [bad] }))), { code: 'BAD_VALUE' }, bad)
    const [farm] = wishOf().certificates
    const broken = { name: 'x', names: ['x.example.org'], pem: farm?.pem.slice(0, -80) ?? '' }
    await assert.rejects(world().edge.serve({ ...wishOf(shop()), certificates: [broken] }), { code: 'BAD_VALUE' })
    await assert.rejects(world().edge.serve(wishOf(shop(), shop())), { code: 'BAD_VALUE' })
    assert.equal(await by('shop.example.org'), one().id)
    assert.equal(await world().edge.serve(wishOf(shop())), 'none')
  })

  test(`${name}: a certificate is tried before it is kept, and nothing changes by that`, async () => {
    await world().edge.serve(wishOf(shop()))
    const good = world().certificate('good', ['good.example.org'])
    await world().edge.assertTakes(good)
    await assert.rejects(world().edge.assertTakes({ ...good, pem: good.pem.slice(0, -80) }), { code: 'BAD_VALUE' })
    assert.equal(await by('shop.example.org'), one().id)
    assert.equal(await world().edge.serve(wishOf(shop())), 'none')
  })

  test(`${name}: when it was killed it says so, and the next wish starts it`, async () => {
    await world().edge.serve(wishOf(shop()))
    await world().kill()
    assert.equal((await world().edge.state()).running, false)
    assert.equal(await world().ask('shop.example.org', '/'), undefined)
    assert.equal(await world().edge.serve(wishOf(shop())), 'start')
    assert.equal(await by('shop.example.org'), one().id)
  })

  test(`${name}: what was counted goes on through new workers`, async () => {
    await world().edge.serve(wishOf(shop()))
    const requests = async () => (await world().edge.counters()).get('shop')?.requests ?? 0
    const before = await requests()
    for (const id of ['r1', 'r2']) {
      for (let times = 0; times < 3; times++) await by('shop.example.org')
      await world().edge.serve(wishOf(shop(), siteOf(id, `${id}.example.org`, { target: toServers(one()) })))
    }
    await by('shop.example.org')
    assert.equal((await requests()) - before, 7)
  })

  test(`${name}: one that was killed is revived as it was told; one that runs, or was stopped, is left alone`, async () => {
    await world().edge.serve(wishOf(shop()))
    assert.equal(await world().edge.revive(), false)
    await world().kill()
    assert.equal(await world().edge.revive(), true)
    assert.equal(await by('shop.example.org'), one().id)
    assert.equal(await world().edge.serve(wishOf(shop())), 'none')
    await world().edge.stop()
    assert.equal(await world().edge.revive(), false)
    assert.equal(await world().ask('shop.example.org', '/'), undefined)
  })

  test(`${name}: after the end nothing answers, and it ends twice`, async () => {
    await world().edge.serve(wishOf(shop()))
    await world().edge.stop()
    assert.equal(await world().ask('shop.example.org', '/'), undefined)
    assert.equal((await world().edge.state()).running, false)
    await world().edge.stop()
  })
}
