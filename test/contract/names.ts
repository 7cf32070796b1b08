/** What every names driver promises. Questions are put by the world that the driver stands in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Names, type View, views, type Zone } from '../../src/drivers/names/driver.ts'

export interface NamesWorld {
  readonly names: Names
  /** Addresses of a name, or names of an address; undefined when there are none. Other servers know example.org. */
  ask(view: View, question: string): Promise<readonly string[] | undefined>
  /** As a foreign hand does: that server is gone. */
  kill(view: View): Promise<void>
}

export const zone = (...names: Zone['names']): Zone => ({
  farm: 'meadow',
  prefix4: '10.100.0.0/16',
  prefix6: 'fd12:3456:789a:1::/64',
  names,
})
export const web = { name: 'web', addresses: ['10.100.0.7', 'fd12:3456:789a:1::7'] }
export const outside = { 'example.org': ['203.0.113.80'], '198.51.100.9': ['nine.example.org'] } as const

export function namesContract(name: string, world: () => NamesWorld): void {
  const sorted = async (view: View, question: string) => [...((await world().ask(view, question)) ?? [])].sort()

  test(`${name}: before the first publishing nothing answers`, async () => {
    assert.deepEqual(await world().names.silent(), views)
  })

  test(`${name}: names have addresses and addresses names, in both views, also when told twice`, async () => {
    for (let times = 0; times < 2; times++) {
      await world().names.publish(zone(web, { name: 'pg', addresses: ['10.100.0.8'] }))
      for (const view of views) {
        assert.deepEqual(await sorted(view, 'web.meadow.internal'), web.addresses)
        assert.deepEqual(await sorted(view, 'pg.meadow.internal'), ['10.100.0.8'])
        assert.deepEqual(await sorted(view, '10.100.0.7'), ['web.meadow.internal'])
        assert.deepEqual(await sorted(view, 'fd12:3456:789a:1::7'), ['web.meadow.internal'])
        assert.equal(await world().ask(view, 'gone.meadow.internal'), undefined)
        assert.equal(await world().ask(view, '10.100.0.9'), undefined)
      }
      assert.deepEqual(await world().names.silent(), [])
    }
  })

  test(`${name}: a new name answers at once, and the old one no more`, async () => {
    await world().names.publish(zone(web))
    for (const next of ['shop', 'web', 'shop2']) {
      await world().names.publish(zone({ ...web, name: next }))
      for (const view of views) {
        assert.deepEqual(await sorted(view, `${next}.meadow.internal`), web.addresses)
        assert.deepEqual(await sorted(view, '10.100.0.7'), [`${next}.meadow.internal`])
        if (next !== 'web') assert.equal(await world().ask(view, 'web.meadow.internal'), undefined)
        assert.equal(await world().ask(view, 'pg.meadow.internal'), undefined)
      }
    }
  })

  test(`${name}: what is not ours is asked elsewhere, in the open view alone`, async () => {
    await world().names.publish(zone(web))
    assert.deepEqual(await world().ask('open', 'example.org'), outside['example.org'])
    assert.deepEqual(await world().ask('open', '198.51.100.9'), outside['198.51.100.9'])
    assert.equal(await world().ask('closed', 'example.org'), undefined)
    assert.equal(await world().ask('closed', '198.51.100.9'), undefined)
  })

  test(`${name}: a server that is gone is told of, and the next publishing brings it back`, async () => {
    await world().names.publish(zone(web))
    for (const view of views) {
      await world().kill(view)
      assert.deepEqual(await world().names.silent(), [view])
      await world().names.publish(zone(web))
      assert.deepEqual(await sorted(view, 'web.meadow.internal'), web.addresses)
    }
  })

  test(`${name}: a malformed value changes nothing`, async () => {
    await world().names.publish(zone(web))
    const wrong = ['', 'WEB', 'a.b', 'a_b', '-a', 'a\n10.0.0.1 b', 'a b', 'a#', 'ä', 'x'.repeat(64)]
    for (const bad of wrong)
      await assert.rejects(world().names.publish(zone({ ...web, name: bad })), { code: 'BAD_VALUE' }, bad)
    for (const bad of ['', '10.0.0', '10.0.0.1 evil', '10.0.0.1\n', 'fe80::1%lo', 'web'])
      await assert.rejects(world().names.publish(zone({ ...web, addresses: [bad] })), { code: 'BAD_VALUE' }, bad)
    await assert.rejects(world().names.publish(zone(web, web)), { code: 'BAD_VALUE' })
    for (const farm of ['', 'a.b', 'a/b', 'a\nserver=192.0.2.1'])
      await assert.rejects(world().names.publish({ ...zone(web), farm }), { code: 'BAD_VALUE' }, farm)
    assert.deepEqual(await sorted('open', 'web.meadow.internal'), web.addresses)
  })

  test(`${name}: after the end nothing answers, and it ends twice`, async () => {
    await world().names.publish(zone(web))
    await world().names.stop()
    assert.equal(await world().ask('open', 'web.meadow.internal'), undefined)
    assert.deepEqual(await world().names.silent(), views)
    await world().names.stop()
  })
}
