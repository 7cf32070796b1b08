/** What every edge driver promises when something is in the way: a taken address, a malformed wish, a death. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamSite } from '../../src/drivers/edge/driver.ts'
import { type EdgeWorld, listens, siteOf, toServers, wishesIn } from './edge.ts'

/** After the rest of the contract: at its end the edge is gone. */
export function edgeTroubleContract(name: string, world: () => EdgeWorld): void {
  const { wishOf, shop, one, by } = wishesIn(world)

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
