/** `croft explain`: of guests and sites why they are where they are; of all else who tells more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Explanation } from '../../../../src/api/placement.ts'
import { croft, fakeDaemon } from '../fake-daemon.ts'

const explained = (guest: string, best = 'ash'): Explanation => ({
  guest,
  host: 'ash',
  placed: {
    ...{ host: 'ash', at: '2026-01-02T03:00:00Z', points: 55, others: [] },
    reasons: [
      { points: 0, why: 'load 1 of 2 processors' },
      { points: 15, why: 'the template is there' },
      { points: 40, why: '20G memory left' },
    ],
  },
  now: { candidates: [{ host: best, points: 60, reasons: [] }], refused: [] },
})

const daemonOf = (best?: string) =>
  fakeDaemon(({ path }) => {
    const guest = /^\/v1\/guests\/(.*)\/explain$/.exec(decodeURIComponent(path))?.[1]
    if (guest === 'web' || guest === 'shop/prod/1') return { value: explained(guest, best) }
    if (guest !== undefined) return { status: 404, value: { code: 'GUEST_NOT_FOUND', message: `no guest "${guest}"` } }
    if (path === '/v1/hosts') return { value: [{ name: 'birch' }] }
    if (path === '/v1/networks') return { value: [{ name: 'office' }] }
    const instances = [{ name: 'shop/prod/1' }, { name: 'shop/prod/2' }]
    return { value: { name: 'shop/prod', release: 'shop:v1', instances } }
  })

test('a guest is explained, with what to say next', async () => {
  await using daemon = await daemonOf()
  const ran = await croft(['explain', 'web'], daemon)
  assert.match(ran.out, /because +ash: 55.0 points\n/)
  assert.match(ran.err, /^ {2}croft host show ash · croft farm balance\n$/)
  await using better = await daemonOf('birch')
  assert.match((await croft(['explain', 'web'], better)).err, /^ {2}croft move web birch --dry-run/)
})

test('a site is explained instance by instance; one that goes meanwhile is left out', async () => {
  await using daemon = await daemonOf()
  for (const words of [
    ['explain', 'shop/prod'],
    ['site', 'explain', 'shop/prod'],
    ['explain', 'site', 'shop/prod'],
  ]) {
    const ran = await croft(words, daemon)
    assert.deepEqual([ran.code, ran.out.split('\n').length], [0, 3], ran.err)
    assert.match(ran.out, /shop\/prod\/1 +ash +\S+ +20G memory left; the template is there +ash/)
    assert.match(ran.err, /croft explain shop\/prod\/1 · croft site show shop\/prod/)
  }
})

test('what is put nowhere is refused with who tells of it', async () => {
  await using daemon = await daemonOf()
  for (const [words, code, wanted] of [
    [['explain', 'birch'], 2, /guests, sites and their instances have\n.*croft host show birch/],
    [['explain', 'office'], 2, /croft network show office · croft network check/],
    [['explain', 'shop.example.org'], 2, /croft route show shop.example.org · croft check shop.example.org/],
    [['explain', 'web@monday'], 2, /croft snapshot ls/],
    [['explain', 'host', 'birch'], 2, /a host has no "explain"; a guest, a site has\n.*croft help host {3}\(/],
    [['explain', 'nobody'], 3, /no guest "nobody"/],
  ] as const) {
    const ran = await croft(words, daemon)
    assert.equal(ran.code, code, words.join(' '))
    assert.match(ran.err, wanted)
  }
})
