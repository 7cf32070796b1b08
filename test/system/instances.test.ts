/** Instances of a site as guests: what they are called, what they were given, what they share, and whose verbs they take. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { createTestFarm } from './farm.ts'
import { becomeParts, removeParts } from './parts.ts'

const farm = await createTestFarm()
let failed = false
after(() => farm.dispose({ keepLog: failed }))
afterEach((context) => {
  if ('passed' in context && !context.passed) failed = true
})
const empty = await farm.picture()

const volume = 'a'.repeat(32)
const site = 'shop/prod'
const target = '/srv/app/uploads'
const volumes = [{ id: volume, target }]
const record = {
  schema: 1,
  id: volume,
  site,
  name: 'uploads',
  sizeBytes: 64 * 1024 ** 2,
  created: '2026-01-01T00:00:00Z',
}
const partOf = (slot: number) => ({ kind: 'instance', site, slot, release: 'shop:v1' }) as const
const seed = [
  { path: '/etc/croft', folder: true, mode: 0o755 },
  { path: '/etc/croft/secret', mode: 0o400, text: 'PASSWORD=planted\n' },
] as const
const one = 'shop/prod/1'
const two = 'shop/prod/2'

const show = (name: string) => farm.json<Guest>('show', name)
const running = (name: string) => farm.waitFor(async () => (await show(name)).status?.state === 'running', 60_000, name)
const rootOf = ({ number, spec }: Guest) => join(farm.poolDir, 'guests', String(number), 'roots', spec.root.id)
const inside = (name: string, script: string) => farm.inGuest(name, 'sh', '-c', script)

async function refused(hint: RegExp, ...words: string[]): Promise<void> {
  const said = await farm.croft(...words)
  assert.equal(said.code, 4, `${words.join(' ')}: ${said.stderr}`)
  assert.match(said.stderr, hint)
}

test('two of a site, a build, and a guest beside them', async (t) => {
  await Promise.all(['web', 'a', 'b', 'c'].map((name) => farm.croftOk('create', name, 'debian:12', '--no-start')))
  // A hostile release: where lasting data is to be lies a link whose path is, on the host, a folder of the host.
  const canary = mkdtempSync('/var/tmp/croft-canary-')
  t.after(() => rmSync(canary, { recursive: true }))
  const [first, second] = [await show('a'), await show('b')]
  for (const folder of ['srv/app', canary]) mkdirSync(join(rootOf(second), folder), { recursive: true })
  symlinkSync(`${'../'.repeat(12)}${canary}`, join(rootOf(second), target))
  const member = (number: number) => ({ number, state: 'ready' })
  await becomeParts(
    farm,
    [
      { from: 'a', name: one, part: partOf(1), seed, volumes },
      { from: 'b', name: two, part: partOf(2), seed, volumes },
      { from: 'c', name: 'shop/build/b1', part: { kind: 'build', id: 'b1' } },
    ],
    [
      { put: keys.volume('ash', volume), value: record },
      {
        put: keys.membersOf(site),
        value: { schema: 1, members: [member(first.number), member(second.number)], next: 3 },
      },
    ],
  )
  await farm.croftOk('start', 'web')
  for (const name of [one, two, 'shop/build/b1']) await running(name)

  await t.test('what they are called, and by whom', async () => {
    assert.equal(await inside(one, 'hostname; cat /etc/hostname'), 'shop-prod-1\nshop-prod-1')
    assert.equal(await inside(one, 'hostname -f'), '1.prod.shop.site.meadow.internal')
    const asked = async (name: string) => [
      ...new Set((await farm.croft('exec', 'web', '--', 'getent', 'ahostsv4', name)).stdout.match(/^\S+/gm) ?? []),
    ]
    assert.deepEqual(await asked('2.prod.shop.site.meadow.internal'), [second.ipv4])
    assert.deepEqual((await asked('prod.shop.site.meadow.internal')).sort(), [first.ipv4, second.ipv4].sort())
    assert.deepEqual(await asked('b1.build.shop.site.meadow.internal'), [])
    assert.match(await inside('web', `getent hosts ${first.ipv4}`), / 1\.prod\.shop\.site\.meadow\.internal/)
  })

  await t.test('what was put on their disks before their first start', async () => {
    assert.equal(
      await inside(one, 'stat -c "%a %u %g" /etc/croft/secret; cat /etc/croft/secret'),
      '400 0 0\nPASSWORD=planted',
    )
    assert.match(await farm.croftOk('pull', `${one}:/etc/croft/secret`, '-'), /planted/)
    for (const words of [
      ['show', one, '--json'],
      ['data', 'ls', '--json'],
      ['history', one, '--json'],
      ['events', '-n', '50', '--json'],
    ])
      assert.doesNotMatch(await farm.croftOk(...words), /planted|seeds\//, words.join(' '))
  })

  await t.test('lasting data is the same in both, of one owner, and within its limit', async () => {
    assert.equal(await inside(one, `stat -c "%a %u %g" ${target}`), '750 800 800')
    await inside(one, `head -c 1000000 /dev/urandom >${target}/photo; chown 800:33 ${target}/photo`)
    const hash = await inside(one, `sha256sum <${target}/photo`)
    // The link leads where it leads in the guest: the data is there, and nothing of the host is.
    assert.equal(await inside(two, `sha256sum <${target}/photo`), hash)
    assert.equal(await inside(two, `stat -c "%u %g" ${target}/photo`), '800 33')
    assert.deepEqual(readdirSync(canary), [])
    const full = await farm.croft(
      'exec',
      one,
      '--',
      'sh',
      '-c',
      `head -c 100000000 /dev/zero >${target}/big; rm ${target}/big`,
    )
    assert.match(full.stderr, /quota|space/i)
    await inside(two, `mount | grep -q " ${canary} .*nosuid,nodev"`)
    assert.equal(statSync(join(farm.poolDir, 'volumes', volume)).uid, 800)
  })

  await t.test('they reach each other, and are reached by nobody else', async () => {
    // Its ssh server answers where it may.
    const opens = async (from: string, to: string) => {
      const { ipv4 } = await show(to)
      const tried = await farm.croft(
        'exec',
        from,
        '--',
        'timeout',
        '2',
        'bash',
        '-c',
        `</dev/tcp/${ipv4}/22 && echo open`,
      )
      return tried.stdout === 'open\n'
    }
    await farm.waitFor(() => opens(two, one), 60_000, 'ssh of the other instance')
    await farm.croftOk('allow', 'web', 'from', 'any')
    await farm.waitFor(() => opens(two, 'web'), 60_000, 'ssh of web')
    const [outsider, build] = await Promise.all([opens('web', one), opens('shop/build/b1', 'web')])
    assert.deepEqual([outsider, build], [false, false])
    await farm.croftOk('deny', 'web', 'from', site)
    assert.deepEqual(await Promise.all([opens(two, 'web'), opens(one, 'web')]), [false, false])
  })

  await t.test('verbs that read work, those that fight the loop are refused with the right one', async () => {
    assert.deepEqual((await farm.croftOk('ls', '-q')).trim().split('\n'), [one, two, 'web'])
    assert.match(await farm.croftOk('ls', '--all', '-q'), /shop\/build\/b1/)
    assert.match(await farm.croftOk('show', one), /site +shop\/prod\n/)
    assert.match(await farm.croftOk('top', one), /shop\/prod\/1/)
    assert.match(await farm.croftOk('logs', one, '-n', '5'), /./)
    await farm.croftOk('push', '/etc/hostname', `${one}:/tmp/pushed`)
    await refused(/what lasts of it is in its data.*croft site show shop\/prod/, 'snapshot', 'add', `${one}@monday`)
    await refused(/croft site stop shop\/prod/, 'stop', one)
    await refused(/croft site scale shop\/prod/, 'rm', one, '-y')
    await refused(/croft config set shop\/prod/, 'set', one, 'memory=2G')
    await refused(/croft route add/, 'port', one, '8080:80')
    await refused(/croft site/, 'rename', one, 'mine')
    await refused(/croft release ls/, 'clone', one, 'mine')
    await refused(/croft build cancel b1/, 'kill', 'shop/build/b1')
    const all = await farm.croft('restart', '*')
    assert.equal(all.code, 0, all.stderr)
    assert.match(all.stderr, /3 of sites or builds are left alone/)
    assert.match(all.stdout, /^\W*web/)
  })

  await t.test('what they shared stays when they go, and goes when it is said', async () => {
    const subvolume = join(farm.poolDir, 'volumes', volume)
    await removeParts(farm)
    assert.ok(existsSync(join(subvolume, 'photo')))
    assert.doesNotMatch(await farm.croftOk('host', 'plan'), /volume/)
    await removeParts(farm, [
      { put: keys.volume('ash', volume), value: { ...record, deleting: true } },
      { delete: keys.membersOf(site) },
    ])
    await farm.waitFor(() => !existsSync(subvolume))
    await farm.croftOk('rm', '--all', '-y')
    assert.deepEqual(await farm.leftovers(empty), [])
  })
})
