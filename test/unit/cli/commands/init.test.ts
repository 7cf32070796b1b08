/** `croft init` on a terminal: what it offers, what it asks, and what it sends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDisks } from '../../../../src/cli/commands/croft/init-questions.ts'
import { croft, type FakeDaemon, fakeDaemon, operation } from '../fake-daemon.ts'

const gib = 1024 ** 3
const disk = (name: string, more: object = {}) => ({
  ...{ name, path: `/dev/${name}`, size: 8 * gib, type: 'disk', ro: false, fstype: null, pttype: null },
  mountpoints: [null],
  ...more,
})
const disks = JSON.stringify({
  blockdevices: [
    disk('vda', { fstype: 'ext4', mountpoints: ['/'] }),
    disk('vdb'),
    disk('vdc', { pttype: 'gpt', children: [disk('vdc1', { type: 'part' })] }),
    disk('vdd', { fstype: 'LVM2_member' }),
    disk('vde', { ro: true }),
    disk('vdf', { size: gib }),
    disk('loop0', { type: 'loop' }),
    disk('zram0'),
    disk('vdg', { mountpoints: ['[SWAP]'] }),
    disk('nvme1n1', { size: String(1800 * gib), ro: '0' }),
  ],
})

test('only whole disks that hold nothing are offered', () => {
  assert.deepEqual(
    emptyDisks(disks).map(({ name }) => name),
    ['vdb', 'nvme1n1'],
  )
  assert.deepEqual(emptyDisks('{}'), [])
})

const farm = { name: 'meadow', prefix4: '10.100.0.0/16' }
const newHost = (existing: object | null = null): Promise<FakeDaemon> =>
  fakeDaemon(({ method, path }) => {
    if (path === '/v1/status') return { value: { farm: existing } }
    if (method === 'POST' && path === '/v1/farm') return { value: { operation: null, result: { farm, lines: [] } } }
    if (method === 'POST' && path === '/v1/templates') return { value: { operation: operation(), result: null } }
    return undefined
  })
const sent = ({ asked }: FakeDaemon) => asked.filter(({ method }) => method === 'POST').map(({ body }) => body)

test('a disk is chosen by number and erased by its name; then a template is built', async () => {
  await using daemon = await newHost()
  const ran = await croft(['init'], { ...daemon, disks, tty: true, typed: ['1', 'vdb', 'meadow'] })
  assert.equal(ran.code, 0, ran.err)
  assert.match(ran.err, /1\) \/dev\/vdb 8 GB empty/)
  assert.match(ran.err, /✓.*farm meadow · guests 10\.100\.0\.0\/16/)
  assert.match(ran.out, /✓.*template debian:12/)
  assert.deepEqual(sent(daemon), [
    { name: 'meadow', pool: { kind: 'device', path: '/dev/vdb', erase: '/dev/vdb' } },
    { ref: 'debian:12' },
  ])
})

test('Enter takes the file and the usual name', async () => {
  await using daemon = await newHost()
  const ran = await croft(['init'], { ...daemon, disks, tty: true, typed: ['', ''] })
  assert.equal(ran.code, 0, ran.err)
  assert.deepEqual(sent(daemon), [{}, { ref: 'debian:12' }])
})

for (const typed of [['1', 'vda'], ['1', ''], ['1'], ['9'], ['1; rm -rf /'], []])
  test(`${JSON.stringify(typed)} changes nothing`, async () => {
    await using daemon = await newHost()
    const ran = await croft(['init'], { ...daemon, disks, tty: true, typed })
    assert.equal(ran.code, 4, ran.err)
    assert.deepEqual(sent(daemon), [])
  })

test('nothing is asked without a terminal, with --yes, or where there is a farm', async () => {
  for (const [words, tty, existing] of [
    [['init', 'meadow'], false, null],
    [['init', 'meadow', '--yes'], true, null],
    [['init', 'meadow'], true, farm],
  ] as const) {
    await using daemon = await newHost(existing)
    const ran = await croft(words, { ...daemon, disks, tty })
    assert.equal(ran.code, 0, ran.err)
    assert.doesNotMatch(ran.err, /›/)
    assert.deepEqual(sent(daemon), [{ name: 'meadow' }])
  }
})

test('a disk on the command line may be confirmed by its short name', async () => {
  await using daemon = await newHost()
  await croft(['init', '--pool', 'device', '--pool-path', '/dev/vdb', '--erase', 'vdb'], daemon)
  assert.deepEqual(sent(daemon), [{ pool: { kind: 'device', path: '/dev/vdb', erase: '/dev/vdb' } }])
})
