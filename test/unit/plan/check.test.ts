/** What was seen of a route → verdict, evidence and mend. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '../../../src/api/resources.ts'
import {
  type CheckAccess,
  type CheckFacts,
  type CheckSubject,
  type DnsFacts,
  type HttpFacts,
  type LeadFacts,
  openToAll,
  type TlsSeen,
} from '../../../src/plan/check/facts.ts'
import { judgeRoute } from '../../../src/plan/check.ts'

const day = 24 * 3600 * 1000
const now = Date.parse('2026-11-21T12:00:00Z')
const edge = { addresses: ['203.0.113.10', '2001:db8::10'], certain: { 4: true, 6: true } }
const subject: CheckSubject = {
  ...{ name: 'shop.example.org', id: 'r1', kind: 'guest', hosts: ['shop.example.org'], aliases: [], path: '/' },
  ...{ https: 'only', passthrough: false, access: openToAll },
  target: { guest: 'web', state: 'running', address: '10.100.0.1', port: 8080 },
}
const some = (...addresses: string[]) => ({ addresses, ttlSeconds: 300 })
const none = { addresses: [], ttlSeconds: 0 }
const dns = (v4: DnsFacts['v4'], v6: DnsFacts['v6'] = none, server = '9.9.9.9'): DnsFacts => ({
  ...{ name: 'shop.example.org', server, v4, v6 },
})
const tls = (more: Partial<TlsSeen> = {}): TlsSeen => ({
  ...{ name: 'shop.example.org', from: now - 10 * day, until: now + 80 * day, matches: true },
  ...{ names: ['shop.example.org'], issuer: 'Let’s Encrypt', trust: 'public', ...more },
})
const lead = (to: string | null, name = 'shop.example.org'): LeadFacts => ({ name, status: to ? 301 : 200, to })
const good: CheckFacts = {
  ...{ now, edge, dns: [dns(some('203.0.113.10'))], redirect: lead('https://shop.example.org/'), aliases: [] },
  ...{ tls: [tls()], http: { status: 200, firstByteMs: 84.2 }, unseen: 0 },
}

function told(facts: Partial<CheckFacts>, more: Partial<CheckSubject> = {}): Record<string, string> {
  const findings = judgeRoute({ ...subject, ...more }, { ...good, ...facts })
  return Object.fromEntries(findings.map((finding) => [finding.check, line(finding)]))
}
const line = ({ verdict, evidence, mend }: Finding) =>
  `${verdict}: ${evidence}${mend === undefined ? '' : ` → ${mend}`}`

test('a site that is well: one line for each check, with what was seen', () => {
  assert.deepEqual(told({}), {
    dns: 'ok: shop.example.org → 203.0.113.10',
    redirect: 'ok: http → https://shop.example.org/',
    tls: 'ok: by Let’s Encrypt, until 2027-02-09 (80 days)',
    http: 'ok: 200 in 84 ms',
  })
})

const setA = 'at whoever serves its DNS, set A 203.0.113.10 and AAAA 2001:db8::10 for shop.example.org'

test('DNS: elsewhere, in part, nowhere, or nobody could tell', () => {
  const of = (...list: DnsFacts[]) => told({ dns: list }).dns
  assert.equal(of(dns(none)), `red: shop.example.org has no address in DNS → ${setA}`)
  assert.equal(
    of(dns(some('198.51.100.7'))),
    `red: shop.example.org points to 198.51.100.7, and is kept so for 300 s at most, which is not this edge → ${setA}`,
  )
  assert.match(of(dns(some('203.0.113.10', '198.51.100.7'))) ?? '', /^warn: .* points to 198\.51\.100\.7,/)
  assert.match(of(dns(some('203.0.113.10'), some('2001:db8::7'))) ?? '', /^red: .* points to 2001:db8::7,/)
  assert.equal(of(dns(some('203.0.113.10'), some('2001:DB8:0::10')))?.slice(0, 3), 'ok:')
  assert.match(of(dns(none, some('2001:db8::10'))) ?? '', /^warn: .*no IPv4 address/)
  const silent = dns({ failure: 'it does not answer' }, { failure: 'it does not answer' })
  assert.match(of(silent) ?? '', /^warn: name server 9\.9\.9\.9 could not tell/)
  assert.equal(of(silent, dns(some('203.0.113.10'), none, '1.1.1.1'))?.slice(0, 3), 'ok:')
  const late = of(dns(some('203.0.113.10')), dns(some('198.51.100.7'), none, '1.1.1.1'))
  assert.match(late ?? '', /^red: .*\(1\.1\.1\.1 says so\)/)
})

test('DNS: a host with private addresses alone may stand behind another, until the farm says where it is', () => {
  const private4 = { addresses: ['10.0.2.15'], certain: { 4: false, 6: true } }
  assert.match(
    told({ edge: private4, dns: [dns(some('198.51.100.7'))] }).dns ?? '',
    /^warn: .*this host has 10\.0\.2\.15 → behind NAT: croft farm set/,
  )
  const named = { addresses: ['198.51.100.0/28'], certain: { 4: true, 6: true } }
  assert.equal(told({ edge: named, dns: [dns(some('198.51.100.7'))] }).dns?.slice(0, 3), 'ok:')
})

test('a certificate: its end, its names, and who believes it', () => {
  const of = (more: Partial<TlsSeen>) => told({ tls: [tls(more)] }).tls ?? ''
  const life = (days: number, left: number) => of({ from: now - (days - left) * day, until: now + left * day })
  assert.match(of({ until: now - 1 }), /^red: .* ended at 2026-11-21 → croft cert issue shop\.example\.org/)
  assert.match(of({ from: now + day }), /^red: .*begins at 2026-11-22.*clock/)
  assert.match(of({ matches: false, names: ['other.example'] }), /^red: .* is for other\.example/)
  assert.match(of({ trust: 'none', issuer: 'Me', reason: 'SELF_SIGNED' }), /^red: nobody trusts .*by Me: SELF_SIGNED/)
  assert.match(of({ trust: 'farm' }), /^warn: .*farm’s own CA/)
  for (const [days, left, verdict] of [
    [90, 30, 'ok'],
    [90, 29.5, 'ok'],
    [90, 28, 'warn'],
    [90, 2, 'red'],
    [365, 60, 'ok'],
    [365, 14, 'warn'],
    [6, 2, 'ok'],
    [6, 1.5, 'warn'],
    [6, 0.5, 'red'],
  ] as const)
    assert.equal(life(days, left).split(':')[0], verdict, `${left} of ${days} days`)
  const two = told({ tls: [tls(), { name: 'b.example.org', failure: 'the connection was cut' }] }).tls
  assert.match(two ?? '', /^red: b\.example\.org: no TLS: the connection was cut/)
})

test('where names lead', () => {
  assert.match(told({ redirect: lead(null) }).redirect ?? '', /^red: http:\/\/shop.* answers 200 and does not lead/)
  assert.match(told({ redirect: lead('https://evil.example/') }).redirect ?? '', /^warn: .*leads to https:\/\/evil/)
  assert.match(
    told({ redirect: { name: 'shop.example.org', failure: 'x' } }).redirect ?? '',
    /^red: .*does not answer: x/,
  )
  const alias = (to: LeadFacts) => told({ aliases: [to] }, { aliases: ['www.example.org'] }).aliases ?? ''
  assert.equal(alias(lead('https://shop.example.org/', 'www.example.org')), 'ok: www.example.org → shop.example.org')
  assert.match(
    alias(lead('https://evil.example/', 'www.example.org')),
    /^red: www\.example\.org leads to https:\/\/evil/,
  )
  assert.match(alias(lead(null, 'www.example.org')), /^red: www\.example\.org answers 200, not to shop/)
})

test('what the site says', () => {
  const of = (http: HttpFacts, more: Partial<CheckSubject> = {}) => told({ http }, more).http ?? ''
  const status = (code: number, more: Partial<CheckSubject> = {}) => of({ status: code, firstByteMs: 10 }, more)
  for (const code of [200, 204, 301, 302, 304]) assert.equal(status(code).slice(0, 3), 'ok:')
  assert.equal(
    status(401, { access: { ...openToAll, users: ['ann'] } }),
    'ok: 401 in 10 ms, by its access; what is behind was not seen',
  )
  assert.match(status(401), /^warn: 401/)
  assert.equal(status(403, { access: { ...openToAll, allow: ['192.0.2.0/24'] } }).slice(0, 3), 'ok:')
  assert.match(status(404), /^warn: 404 .* → croft logs web/)
  assert.match(status(503), /^red: 503: nothing answers in web → croft logs web/)
  assert.match(
    status(503, { target: { guest: 'web', state: 'stopped', address: '10.100.0.1', port: 8080 } }),
    /^red: 503: guest web is stopped → croft start web/,
  )
  const silent = { ...good, http: { status: 503, firstByteMs: 11_500 }, listens: false }
  const ofSilent = (http: HttpFacts, more: Partial<CheckSubject> = {}) =>
    judgeRoute({ ...subject, ...more }, { ...silent, http })
      .map(line)
      .at(-1)
  const nobody = 'red: nothing listens on web:8080 → croft exec web -- ss -ltn'
  assert.equal(ofSilent({ status: 503, firstByteMs: 2 }), nobody)
  assert.equal(ofSilent({ failure: 'nothing came in 10 s' }), nobody)
  assert.match(
    ofSilent({ status: 401, firstByteMs: 2 }, { access: { ...openToAll, users: ['ann'] } }) ?? '',
    /nothing listens/,
  )
  assert.equal(ofSilent({ status: 200, firstByteMs: 2 }), 'ok: 200 in 2 ms', 'it does by now')
  assert.match(status(503, { access: { ...openToAll, maintenance: true } }), /^ok: 503 .*by its access/)
  assert.match(status(500), /^red: 500: the guest fails/)
  assert.match(of({ status: 200, firstByteMs: 1001 }), /^warn: the first byte came after 1\.0 s/)
  assert.match(of({ status: 200, firstByteMs: 10_001 }), /^red: the first byte came after 10\.0 s/)
  assert.match(of({ failure: 'nothing came in 10 s' }), /^red: no answer: nothing came/)
})

test('who may come is said by itself; a page for everybody is a warning', () => {
  const of = (access: Partial<CheckAccess>) => told({}, { access: { ...openToAll, ...access } }).access
  assert.equal(of({}), undefined)
  assert.equal(of({ users: ['ann', 'bob'] }), 'ok: a password is asked for (ann, bob)')
  assert.equal(
    of({ allow: ['1.1.1.1', '::1', '2.2.2.2', '::2'] }),
    'ok: only 1.1.1.1, ::1, 2.2.2.2 and 1 more may come',
  )
  assert.equal(of({ deny: ['::/0'], users: ['ann'] }), 'ok: a password is asked for (ann); ::/0 may not come')
  assert.equal(
    of({ maintenance: true }),
    'warn: everybody, for edge-operators is empty, get the maintenance page → croft farm set edge-operators=NETWORK, or croft route set shop.example.org maintenance=no',
  )
  assert.equal(
    of({ maintenance: true, operators: ['192.0.2.0/24'] }),
    'warn: all but edge-operators (192.0.2.0/24) get the maintenance page → croft route set shop.example.org maintenance=no',
  )
})

test('a TCP route is connected to, and nothing else', () => {
  const tcp = (facts: NonNullable<CheckFacts['tcp']>, listens = true) =>
    judgeRoute(
      { ...subject, kind: 'tcp', name: ':5432' },
      { now, edge, dns: [], aliases: [], tls: [], tcp: facts, listens, unseen: 0 },
    )
  assert.deepEqual(tcp({ connectMs: 1.2 }).map(line), ['ok: connected in 1 ms'])
  assert.deepEqual(tcp({ connectMs: 1.2 }, false).map(line), [
    'red: nothing listens on web:8080 → croft exec web -- ss -ltn',
  ])
  assert.deepEqual(tcp({ failure: 'the edge does not listen' }).map(line), [
    'red: :5432 takes no connection: the edge does not listen → croft show web',
  ])
})

test('names that were not looked at are told', () => {
  assert.match(told({ unseen: 180 }).tls ?? '', /\(180 more names were not looked at\)/)
  assert.doesNotMatch(told({ unseen: 180 }).http ?? '', /more names/)
})

test('of every combination: one finding a check, one line, and what is not ok has a mend', () => {
  const answers = [
    none,
    some('203.0.113.10'),
    some('198.51.100.7'),
    some('203.0.113.10', '198.51.100.7'),
    { failure: 'x' },
  ]
  const leads = [
    undefined,
    lead(null),
    lead('https://shop.example.org/'),
    lead('javascript:x'),
    { name: 'a', failure: 'x' },
  ]
  const certificates = [[], [tls()], [tls({ until: now })], [tls({ trust: 'farm' }), { name: 'b', failure: 'x' }]]
  const pages: (HttpFacts | undefined)[] = [
    ...[undefined, { failure: 'x' }],
    ...[100, 200, 302, 401, 403, 404, 429, 500, 502, 503, 599].map((code) => ({ status: code, firstByteMs: 5 })),
  ]
  const subjects: Partial<CheckSubject>[] = [
    {},
    { kind: 'redirect' },
    { access: { maintenance: true, users: ['a', 'b', 'c', 'd'], allow: ['::1'], deny: ['::2'], operators: ['::3'] } },
    { target: { guest: 'web', state: 'failed', address: '10.100.0.1', port: 8080 } },
  ]
  let count = 0
  for (const v4 of answers)
    for (const v6 of answers)
      for (const redirect of leads)
        for (const shown of certificates)
          for (const http of pages)
            for (const more of subjects) {
              const { redirect: _, http: __, ...rest } = good
              const facts = {
                ...rest,
                dns: [dns(v4, v6)],
                tls: shown,
                ...(redirect && { redirect }),
                ...(http && { http }),
              }
              const findings = judgeRoute({ ...subject, ...more }, facts)
              assert.equal(new Set(findings.map(({ check }) => check)).size, findings.length)
              for (const { verdict, evidence, mend } of findings) {
                count += 1
                assert.match(evidence, /^[^\n]+$/)
                assert.equal(mend !== undefined && mend !== '', verdict !== 'ok')
              }
            }
  assert.ok(count > 10_000)
})
