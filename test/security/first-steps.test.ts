/** What a guest prepares for its next start: links where croft and LXC write, and first steps that never end. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { chmod, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import { createTestFarm, type TestFarm } from '../system/farm.ts'
import { plantCanary, rootOf, useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
const folders = ['dev', 'proc', 'sys', 'run', 'etc', 'root', 'tmp', 'usr']
const canary = await plantCanary([
  ...['hosts', 'resolv.conf', 'hostname', 'machine-id', 'croft-id', 'ssh/authorized_keys', 'host-keys/'],
  ...folders.flatMap((folder) => [`${folder}/`, `${folder}/.croft/first`]),
])
const key = `ssh-ed25519 ${'A'.repeat(68)} lark`

test('links where the first steps write lead nowhere on the host', async () => {
  await farm.croftOk('create', 'links', 'debian:12', `key=${key}`)
  const plant = `cd /etc; for name in hosts resolv.conf hostname machine-id croft-id; do ln -sfn "$1/$name" $name; done
    rm -rf /root/.ssh /etc/ssh; ln -s "$1/ssh" /root/.ssh; ln -s "$1/host-keys" /etc/ssh`
  await farm.croftOk('exec', 'links', '--', 'sh', '-c', plant, 'sh', canary.path)
  await farm.croftOk('kill', 'links')
  await farm.croftOk('start', 'links')
  await canary.assertWhole()
  assert.equal(await farm.inGuest('links', 'cat', '/etc/hostname'), 'links')
  await farm.croftOk('rm', 'links', '-y')
})

test('a folder of the root that is a link is refused, or followed inside', async () => {
  await farm.croftOk('create', 'folders', 'debian:12', '--no-start', `key=${key}`)
  const root = await rootOf(farm, 'folders')
  for (const folder of folders) {
    const path = join(root, folder)
    await rename(path, `${path}.old`)
    await symlink(join(canary.path, folder), path)
    const started = await farm.croft('start', 'folders')
    await canary.assertWhole()
    assert.ok(started.code === 0 || started.code === 1, `${folder}: ${started.code} ${started.stderr}`)
    if (started.code === 1) assert.match(started.stderr, /^✗ ./m, folder)
    assert.ok(!(await readFile('/proc/self/mountinfo', 'utf8')).includes(canary.path), folder)
    await farm.croftOk('kill', 'folders')
    await rm(path, { recursive: true, force: true })
    await rename(`${path}.old`, path)
  }
  await farm.croftOk('rm', 'folders', '-y')
})

/** On a farm that is thrown away as it is: they hang at their second try by then. */
test('first steps that hang or shout end in a clear failure, and keep no other guest waiting', async () => {
  await using farm = await createTestFarm()
  await addTemplate(farm, 'hangs:1', 'usr/bin/ssh-keygen', '#!/bin/sh\nexec sleep 1000000\n')
  await addTemplate(farm, 'shouts:1', 'usr/bin/dash', '#!/usr/bin/perl\n$| = 1;\nprint "x" x 4095, "\\n" while 1;\n')
  const bad = ['hang1', 'hang2', 'hang3', 'hang4', 'hang5', 'shout1']
  for (const name of bad) await farm.croftOk('create', name, name.startsWith('h') ? 'hangs:1' : 'shouts:1', '--no-wait')
  await farm.croftOk('create', 'good', 'debian:12')
  const now = await farm.json<Guest[]>('ls')
  assert.deepEqual(stateOf(now, 'good'), 'running')
  assert.deepEqual(
    bad.map((name) => stateOf(now, name)).filter((state) => state === 'running'),
    [],
  )
  await farm.waitFor(async () => (await failures(farm, bad)).length === bad.length, 90_000, 'a failure of each')
  for (const { name, status } of await failures(farm, bad))
    assert.match(status?.reason ?? '', /^its first steps hang/, name)
  const logs = await readdir(join(farm.stateDir, 'lxc'), { recursive: true, withFileTypes: true })
  for (const entry of logs.filter((each) => each.isFile()))
    assert.ok((await stat(join(entry.parentPath, entry.name))).size < 1024 ** 2, `${entry.parentPath}/${entry.name}`)
})

const stateOf = (guests: readonly Guest[], name: string) => guests.find((guest) => guest.name === name)?.status?.state
const failures = async (farm: TestFarm, names: readonly string[]): Promise<Guest[]> =>
  (await farm.json<Guest[]>('ls')).filter(({ name, status }) => names.includes(name) && (status?.failures ?? 0) > 0)

/** The test template with one file of the guest's own making. */
async function addTemplate(farm: TestFarm, ref: string, file: string, text: string): Promise<void> {
  const { path, manifest } = farm.template
  const id = randomUUID()
  const to = join(farm.poolDir, 'templates', id)
  const btrfs = (...args: string[]) => farm.host({ file: 'btrfs', args })
  await btrfs('subvolume', 'snapshot', path, to)
  await rm(join(to, file))
  await writeFile(join(to, file), text)
  await chmod(join(to, file), 0o755)
  await btrfs('property', 'set', '-ts', to, 'ro', 'true')
  await writeFile(`${to}.json`, JSON.stringify({ ...manifest, id, ref }), { mode: 0o600 })
  await farm.croftOk('host', 'apply', '--adopt')
}
