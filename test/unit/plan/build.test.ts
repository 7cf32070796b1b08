import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  assertBuildFits,
  freeVersion,
  planEviction,
  rulesOf,
  versionOf,
  withoutArtifacts,
} from '../../../src/plan/build.ts'
import { checkOut, fetchRef, fetchTag, gitEnvOf } from '../../../src/plan/git.ts'
import { oldBases, oldReleases } from '../../../src/plan/retention.ts'

/** What find would keep, by its own words. */
function keeps(artifacts: readonly string[], path: string): boolean {
  const words = withoutArtifacts(artifacts) ?? []
  return words.some((word, index) => words[index - 1] === '-regex' && new RegExp(`^(?:${word})$`).test(`./${path}`))
}

test('artifacts: folders whole, one level of *, any depth of **', () => {
  for (const [artifact, path, kept] of [
    ['dist', 'dist/a/b.js', true],
    ['dist', 'distant', false],
    ['*.html', 'index.html', true],
    ['*.html', 'sub/index.html', false],
    ['**/*.html', 'index.html', true],
    ['**/*.html', 'a/b/index.html', true],
    ['public/**', 'public/x/y', true],
    ['a.b', 'aXb', false],
    ['(x)+', '(x)+', true],
    ['./dist/', 'dist/x', true],
  ] as const)
    assert.equal(keeps([artifact], path), kept, `${artifact} ${path}`)
  assert.equal(withoutArtifacts([]), undefined)
  for (const bad of ['..', '../x', '/etc', 'a/../../b', '', './', 'a\nb'])
    assert.throws(() => withoutArtifacts([bad]), { code: 'BAD_VALUE' }, bad)
})

test('versions: the tag as far as it can be one, else the commit, else the code itself', () => {
  const [commit, tree] = ['8f3c2a1b7e0d', '0123456789abcdef']
  assert.equal(versionOf({ tag: 'v1.2.3', commit, tree }), 'v1.2.3')
  assert.equal(versionOf({ tag: 'Release/2', commit, tree }), 'release-2')
  assert.equal(versionOf({ tag: '-x', commit, tree }), '8f3c2a1b')
  assert.equal(versionOf({ commit, tree }), '8f3c2a1b')
  assert.equal(versionOf({ commit, dirty: true, tree }), '8f3c2a1b-dirty-012345')
  assert.equal(versionOf({ tree }), '0123456789')
  assert.equal(freeVersion('v1', new Set(['v1', 'v1-2'])), 'v1-3')
  assert.ok(freeVersion('x'.repeat(41), new Set(['x'.repeat(41)])).length <= 41)
})

test('a build may go out, but to no guest and to nothing of its host', () => {
  const rules = rulesOf({ prefix4: '10.100.0.0/16', prefix6: 'fd00::/48' }, ['198.51.100.1'])
  assert.deepEqual(
    rules.map(({ action, direction, peer }) => `${action} ${direction} ${peer}`),
    ['deny out 10.100.0.0/16', 'deny out fd00::/48', 'deny out 198.51.100.1'],
  )
})

test('the cache: what was longest not used goes first, and no more than must', () => {
  const file = (path: string, bytes: number, usedAt: number) => ({ path, bytes, usedAt })
  const files = [file('new', 50, 3), file('old', 50, 1), file('older', 10, 0), file('mid', 40, 2)]
  assert.deepEqual(planEviction(files, 100), ['older', 'old'])
  assert.deepEqual(planEviction(files, 150), [])
})

test('git: what is named stands behind --, hooks and other protocols are off', () => {
  const hostile = '--upload-pack=touch /tmp/x'
  for (const words of [fetchTag(hostile, 'v1'), fetchRef(hostile, 'main')])
    assert.deepEqual(words.slice(words.indexOf('--')).slice(0, 2), ['--', hostile])
  const words = fetchRef('https://git.example.org/x', 'main').join(' ')
  for (const part of ['core.hooksPath=/dev/null', 'protocol.allow=never', '--depth 1', '--no-tags'])
    assert.ok(words.includes(part), part)
  assert.doesNotMatch(words, /protocol\.(ext|file)\.allow=always/)
  const env = gitEnvOf(['DEPLOY_KEY', 'GIT_CA'])
  assert.deepEqual([env.GIT_TERMINAL_PROMPT, env.GIT_SSL_CAINFO], ['0', '/tmp/deploy-ca'])
  assert.match(gitEnvOf(['KNOWN_HOSTS']).GIT_SSH_COMMAND ?? '', /StrictHostKeyChecking=yes/)
  assert.deepEqual(checkOut('FETCH_HEAD').slice(-2), ['FETCH_HEAD', '--'])
})

test('releases: the newest of each app stay, and what somebody runs or may return to', () => {
  const release = (app: string, day: number) => ({
    ref: `${app}:v${day}`,
    app,
    created: `2026-01-0${day}T00:00:00.000Z`,
    base: 'base-1:v1',
  })
  const all = [1, 2, 3, 4].flatMap((day) => [release('shop', day), release('blog', day)])
  assert.deepEqual(oldReleases(all, new Set(['shop:v1']), 2).toSorted(), ['blog:v1', 'blog:v2', 'shop:v2'])
  const bases = [1, 2].map((number) => ({ ref: `base-${number}:v1`, created: '2026-01-01T00:00:00.000Z' }))
  assert.deepEqual(oldBases(bases, all, Date.parse('2026-06-01')), ['base-2:v1'])
  assert.deepEqual(oldBases(bases, all, Date.parse('2026-01-02')), [])
})

test('of bases so many of an app and of the farm stay: who was built on longest ago goes first', () => {
  const day = (index: number) => new Date(Date.UTC(2026, 0, 1 + index)).toISOString()
  const base = (index: number, created = day(0)) => ({ ref: `base-${index}:v1`, created })
  const on = (app: string, index: number, at: number) => ({
    ...{ ref: `${app}:${at}`, app, created: day(at), base: `base-${index}:v1` },
  })
  const bases = Array.from({ length: 7 }, (_, index) => base(index))
  const releases = bases.map((_, index) => on('shop', index, index))
  const now = Date.parse(day(10))
  assert.deepEqual(oldBases(bases, releases, now), ['base-0:v1', 'base-1:v1'])
  assert.deepEqual(oldBases(bases, [...releases, on('shop', 0, 9)], now), ['base-1:v1', 'base-2:v1'])
  assert.deepEqual(oldBases(bases, [...releases, on('blog', 1, 1)], now), ['base-0:v1'], 'another app has it too')
  const fresh = Array.from({ length: 7 }, (_, index) => base(20 + index, day(index)))
  assert.deepEqual(oldBases(fresh, [], now), ['base-20:v1', 'base-21:v1'], 'that nothing was built on')
  const many = Array.from({ length: 50 }, (_, index) => base(index))
  const apps = many.map((_, index) => on(`app${index}`, index, index))
  assert.deepEqual(
    oldBases(many, apps, now),
    many.slice(0, 10).map(({ ref }) => ref),
  )
})

test('a build takes four times the usual at most, and half of what the host has; the usual always', () => {
  const gib = 1024 ** 3
  const usual = { memoryBytes: 2 * gib, cpus: 2, diskBytes: 8 * gib, timeoutSeconds: 1800 }
  const large = { memoryBytes: 64 * gib, freeBytes: 500 * gib }
  const small = { memoryBytes: 1 * gib, freeBytes: 2 * gib }
  const refused = (more: object, room: typeof large, message: string) =>
    assert.throws(() => assertBuildFits({ ...usual, ...more }, room), { code: 'BAD_VALUE', message })
  assertBuildFits(usual, small)
  assertBuildFits(usual, { memoryBytes: gib, freeBytes: null })
  assertBuildFits({ memoryBytes: 8 * gib, cpus: 8, diskBytes: 32 * gib, timeoutSeconds: 7200 }, large)
  refused({ memoryBytes: 900 * 1024 ** 4 }, large, 'build.memory may be 8192M on this host at most')
  refused(
    { memoryBytes: 3 * gib },
    { ...large, memoryBytes: 5 * gib },
    'build.memory may be 2560M on this host at most',
  )
  refused({ memoryBytes: 2 * gib + 1 }, small, 'build.memory may be 2048M on this host at most')
  refused({ cpus: 1024 }, large, 'build.cpus may be 8 at most')
  refused({ diskBytes: 33 * gib }, large, 'build.disk may be 32768M on this host at most')
  refused({ diskBytes: 12 * gib }, { ...large, freeBytes: 20 * gib }, 'build.disk may be 10240M on this host at most')
  refused({ timeoutSeconds: 86_400 }, large, 'build.timeout may be 2h at most')
})
