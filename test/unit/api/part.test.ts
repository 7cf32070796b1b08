import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NewGuest, NewRule } from '../../../src/api/guest.ts'
import { AnyGuestName } from '../../../src/api/part.ts'
import { bodies } from '../../../src/api/schemas.ts'

test('what a guest that is there may be called', () => {
  for (const name of ['web', 'shop/prod/1', 'shop/prod/1234', 'a/b/9', 'shop/build/4f9cabcdefgh23456789'])
    assert.equal(AnyGuestName.parse(name), name)
  for (const name of [
    ...['', 'shop/prod', 'shop/prod/', 'shop/prod/0', 'shop/prod/01', 'shop/prod/-1', 'shop/prod/1/2', '/prod/1'],
    ...['shop//1', 'Shop/prod/1', 'shop/prod/1\n', 'shop/prod/ 1', '../prod/1', 'shop/../1', 'shop/build/..'],
    ...['shop/build/', 'shop/build/A', 'shop/prod/4f9c', `${'a'.repeat(33)}/prod/1`, 'ls/prod/1', '1/prod/1'],
    ...['shop/prod/1%2f', 'shop/prod/٣', 'shop-/prod/1', `shop/build/${'a'.repeat(41)}`],
  ])
    assert.equal(AnyGuestName.safeParse(name).success, false, JSON.stringify(name))
})

test('nobody gives a guest such a name, or makes one a part of something', () => {
  const asked = { name: 'web', template: 'debian:12' }
  assert.ok(NewGuest.safeParse(asked).success)
  for (const name of ['shop/prod/1', 'shop/build/b1']) {
    assert.equal(NewGuest.safeParse({ ...asked, name }).success, false)
    assert.equal(bodies.renameGuest.safeParse({ name }).success, false)
    assert.equal(bodies.cloneGuest.safeParse({ name }).success, false)
  }
  for (const more of [
    { part: { kind: 'build', id: 'b' } },
    { seed: 'x' },
    { volumes: [{ id: 'x', target: '/etc' }] },
  ]) {
    assert.equal(NewGuest.safeParse({ ...asked, ...more }).success, false)
    assert.equal(bodies.changeGuest.safeParse(more).success, false)
  }
})

test('a site may be the peer of a rule, an instance may not: it is gone with the next rollout', () => {
  const rule = { action: 'allow', direction: 'in', service: 'tcp/5432' }
  for (const peer of ['any', 'pg', 'shop/prod', '10.0.0.0/8', 'fd00::/8'])
    assert.ok(NewRule.safeParse({ ...rule, peer }).success, peer)
  for (const peer of ['shop/prod/1', 'shop/build', 'shop/', '/prod', 'shop/prod\n', '../x'])
    assert.equal(NewRule.safeParse({ ...rule, peer }).success, false, JSON.stringify(peer))
})
