import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  candidates,
  certificateSets,
  chooseCertificates,
  type HeldCertificate,
  isValid,
  lentSets,
  mostNames,
  nextChange,
} from '../../../src/plan/certificate-sets.ts'

const host = fc.constantFrom('a.example', 'b.example', 'www.a.example', 'c.org', '*.a.example', '*.org', 'x.y.org')
const groups = fc.array(fc.array(host, { maxLength: 4 }), { maxLength: 6 })

test('the names of a route stay together, wildcards apart, and a name that two routes have is in one', () => {
  assert.deepEqual(certificateSets([['b.org', 'www.b.org', '*.b.org'], [], ['a.org'], ['b.org']]), [
    { name: 'a.org', names: ['a.org'], wildcard: false },
    { name: 'b.org', names: ['b.org', 'www.b.org'], wildcard: false },
    { name: '_.b.org', names: ['*.b.org'], wildcard: true },
  ])
})

test('every name is in one set, whatever order the routes come in', () => {
  fc.assert(
    fc.property(groups, (some) => {
      const sets = certificateSets(some)
      const names = sets.flatMap((set) => set.names)
      assert.deepEqual([...names].sort(), [...new Set(some.flat())].sort())
      assert.equal(new Set(sets.map(({ name }) => name)).size, sets.length)
      for (const { name } of sets) assert.match(name, /^[a-z0-9._-]+$/)
    }),
  )
})

test('a name that guests are given is a set of its own beside that of its route, and called like no route', () => {
  const [own, ...more] = lentSets(['a.org', 'a.org'])
  assert.deepEqual([own, more], [{ name: 'guest_a.org', names: ['a.org'], wildcard: false, lent: true }, []])
  assert.equal(certificateSets([['a.org']])[0]?.name, 'a.org')
})

test('guests are given what was made for them, or an imported one of one name alone; the edge serves by all the rest', () => {
  const held = (kind: HeldCertificate['kind'], names: string[], lent = false) => ({
    kind,
    names,
    lent,
    from: 0,
    until: 9,
  })
  const forOne = held('imported', ['a.org', 'a.org'])
  const forGuests = [held('acme', ['a.org'], true), held('farm', ['a.org'], true)]
  const forRoutes = [
    ...[held('imported', ['a.org', 'b.org']), held('imported', ['*.org']), held('imported', [])],
    ...[held('acme', ['a.org']), held('farm', ['a.org'])],
  ]
  const all = [...forRoutes, forOne, ...forGuests]
  assert.deepEqual(candidates(all, { lent: true }), [forOne, ...forGuests])
  assert.deepEqual(candidates(all, {}), [...forRoutes, forOne])
})

test('no certificate bears more names than a public CA takes', () => {
  const many = Array.from({ length: 2 * mostNames + 1 }, (_, at) => `n${at}.example.org`)
  assert.deepEqual(
    certificateSets([many]).map(({ names }) => names.length),
    [mostNames, mostNames, 1],
  )
})

const certificate = fc.record<HeldCertificate>({
  kind: fc.constantFrom('imported', 'acme', 'farm'),
  names: fc.array(host, { minLength: 1, maxLength: 3 }),
  from: fc.integer({ min: 0, max: 50 }),
  until: fc.integer({ min: 0, max: 100 }),
})

test('imported before ACME before the farm’s; a wildcard is for one label; what is not valid serves nothing', () => {
  const of = (kind: HeldCertificate['kind'], ...names: string[]) => ({ kind, names, from: 0, until: 100 })
  const [imported, acme, farm] = [
    of('imported', '*.a.org'),
    of('acme', 'w.a.org', 'a.org'),
    of('farm', 'a.org', 'x.w.a.org'),
  ]
  const chosen = chooseCertificates(['a.org', 'w.a.org', 'x.w.a.org', 'none.org'], [farm, acme, imported], 5)
  assert.deepEqual(
    [...chosen],
    [
      ['a.org', acme],
      ['w.a.org', imported],
      ['x.w.a.org', farm],
    ],
  )
  assert.equal(chooseCertificates(['w.a.org'], [{ ...imported, until: 5 }], 5).size, 0)
})

test('a choice is always a valid certificate that bears the name, and it is looked at again before it ends', () => {
  fc.assert(
    fc.property(fc.array(host), fc.array(certificate), fc.integer({ min: 0, max: 100 }), (names, held, now) => {
      const chosen = chooseCertificates(names, held, now)
      const bears = (each: HeldCertificate, name: string) =>
        each.names.includes(name) || each.names.includes(`*${name.slice(name.indexOf('.'))}`)
      for (const name of names) {
        const could = held.filter((each) => isValid(each, now) && bears(each, name))
        const best = chosen.get(name)
        assert.equal(best === undefined, could.length === 0)
        if (best) assert.ok(could.includes(best))
      }
      const next = nextChange(chosen.values(), now)
      for (const { until } of chosen.values()) assert.ok(next === undefined || next <= until)
    }),
  )
})
