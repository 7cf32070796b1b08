/** A pool that came from other hands: what its manifests say is not believed. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import { hostileValues } from './hostile.ts'
import { useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
type Manifest = { readonly spec: object; readonly name: string }

/** A disk below the number of a guest, with this beside it. */
async function plant(number: number, manifest: unknown): Promise<void> {
  const folder = join(farm.poolDir, 'guests', String(number))
  const id = randomUUID()
  await mkdir(join(folder, 'roots'), { recursive: true, mode: 0o700 })
  const made = await farm.host({
    file: 'btrfs',
    args: ['subvolume', 'snapshot', farm.template.path, join(folder, 'roots', id)],
  })
  assert.equal(made.code, 0, made.stderr)
  await writeFile(join(folder, 'guest.json'), JSON.stringify(manifest))
}

async function realManifest(): Promise<Manifest> {
  await farm.croftOk('create', 'model', 'debian:12', '--no-start')
  const { number } = await farm.json<Guest>('show', 'model')
  const manifest = JSON.parse(
    await readFile(join(farm.poolDir, 'guests', String(number), 'guest.json'), 'utf8'),
  ) as Manifest
  await farm.croftOk('rm', 'model', '-y')
  return manifest
}

test('a guest is adopted with ids of this host, whatever its manifest says', async () => {
  const manifest = await realManifest()
  const slots = [-28_672, -28_671, -1, 4095, 1_000_000, 0.5, '0', null]
  for (const [at, slot] of slots.entries())
    await plant(201 + at, {
      ...manifest,
      ...{ name: `slot${at}`, slot, host: 'evil', number: 1 },
      spec: { ...manifest.spec, mounts: [{ source: '/home', target: '/mnt', readOnly: true }] },
    })
  await farm.croftOk('host', 'apply', '--adopt')
  const { body } = await farm.api('GET', '/v1/data?prefix=guests/')
  const records = body as { value: { name: string; slot: number; host: string; number: number } }[]
  assert.deepEqual(records.map(({ value }) => value.slot).sort(), [0, 1, 2, 3, 4, 5, 6, 7])
  assert.deepEqual(
    records.map(({ value }) => [value.host, value.number]),
    slots.map((_, at) => ['ash', 201 + at]),
  )
  assert.equal(await farm.croftOk('mount', 'ls', '-q'), '', 'and gives no folder of the host away')
  await farm.croftOk('start', 'slot0')
  const [, base] = (await farm.inGuest('slot0', 'cat', '/proc/self/uid_map')).trim().split(/\s+/).map(Number)
  assert.ok((base ?? 0) >= 0x70000000)
  await farm.croftOk('rm', '--all', '-y')
})

test('a manifest that is not one of ours is left alone, and harms nobody', async () => {
  const manifest = await realManifest()
  const hostile: unknown[] = [
    ...[
      null,
      [],
      'x',
      {},
      { spec: {} },
      { ...manifest, spec: null },
      { ...manifest, spec: { ...manifest.spec, limits: null } },
    ],
    ...['../../etc', 'a\nlxc.hook.start = /bin/true', '', 'create', 'A', 7].map((name) => ({ ...manifest, name })),
    ...Object.keys(manifest.spec)
      .filter((field) => !['pool', 'network', 'ports', 'size'].includes(field))
      .map((field) => ({ ...manifest, spec: { ...manifest.spec, [field]: { evil: '\n' } } })),
    { ...manifest, spec: { ...manifest.spec, keys: ['ssh-ed25519 AAAA\n# end of croft keys\nssh-rsa BBBB'] } },
    { ...manifest, spec: { ...manifest.spec, labels: { owner: 'a\u001b[31m' } } },
  ]
  for (const [at, each] of hostile.entries()) await plant(301 + at, each)
  const said = await farm.croft('host', 'apply', '--adopt')
  assert.equal(said.code, 0, said.stderr)
  assert.deepEqual(await farm.json<Guest[]>('ls'), [])
  await farm.croftOk('create', 'next', 'debian:12')
  await farm.croftOk('rm', 'next', '-y')
  for (const at of hostile.keys()) await removeDisk(301 + at)
})

test('nor is what lies beside a template', async () => {
  const ids = await Promise.all(
    hostileValues.slice(0, 12).map(async (value) => {
      const id = randomUUID()
      const to = join(farm.poolDir, 'templates', id)
      await farm.host({ file: 'btrfs', args: ['subvolume', 'snapshot', '-r', farm.template.path, to] })
      await writeFile(
        `${to}.json`,
        JSON.stringify({ ref: value, created: value, source: { from: value, packages: value, script: value } }),
      )
      return id
    }),
  )
  await farm.croftOk('host', 'apply', '--adopt')
  const templates = await farm.json<{ ref: string; id: string; source: unknown }[]>('template', 'ls')
  const ours = templates.filter(({ id }) => ids.some((each) => each === id))
  assert.equal(ours.length, ids.length)
  for (const { ref, source } of ours) {
    assert.match(ref, /^adopted:[0-9a-f]{8}$/)
    assert.deepEqual(source, { from: 'unknown', packages: [] })
  }
  await farm.croftOk('template', 'rm', ...ours.map(({ ref }) => ref), '-y')
})

async function removeDisk(number: number): Promise<void> {
  const roots = join(farm.poolDir, 'guests', String(number))
  await farm.host({
    file: 'find',
    args: [
      join(roots, 'roots'),
      '-mindepth',
      '1',
      '-maxdepth',
      '1',
      '-exec',
      'btrfs',
      'subvolume',
      'delete',
      '{}',
      '+',
    ],
  })
  await farm.host({ file: 'rm', args: ['-r', roots] })
}
