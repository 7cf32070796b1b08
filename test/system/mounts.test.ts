/** Folders of the host in a guest: what it may do there, and what it does not reach by them. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const here = mkdtempSync('/var/tmp/croft-mounts-')
chmodSync(here, 0o755)
after(() => rmSync(here, { recursive: true, force: true }))

/** On the host, with a file of user 1234 in it. */
function folder(name: string, mode: number): string {
  const path = join(here, name)
  mkdirSync(path)
  chmodSync(path, mode)
  writeFileSync(join(path, 'of-host'), 'from the host\n')
  chownSync(join(path, 'of-host'), 1234, 1234)
  return path
}

const inside = (...words: string[]) => farm.croft('exec', 'web', '--', ...words)
const refused = async (code: number, what: RegExp, ...words: string[]): Promise<void> => {
  const said = await farm.croft(...words)
  assert.match(said.stderr, what)
  assert.equal(said.code, code, said.stderr)
}

test('one to write and one to read, with the owners of the host, over restarts; a clone has none', async () => {
  const mine = folder('to write', 0o700)
  const theirs = folder('to-read', 0o755)
  await farm.croftOk('create', 'web', 'debian:12')
  await farm.croftOk('mount', 'add', 'web', `${mine}:/srv/my data`)
  const said = await farm.croft('mount', 'add', 'web', `${theirs}:/srv/my data/deep/in`, 'ro')
  assert.match(said.stdout, /read-only, from its next start on/)
  assert.match(said.stderr, /croft restart web/)
  assert.notEqual((await inside('test', '-e', '/srv/my data')).code, 0, 'not before a start')
  await farm.croftOk('restart', 'web')
  const owners = await inside('stat', '-c', '%u %g %n', '/srv/my data/of-host', '/srv/my data/deep/in/of-host')
  assert.match(owners.stdout, /^1234 1234 .*\n1234 1234 .*\n$/)
  assert.equal(
    (await inside('sh', '-c', 'echo from inside >"/srv/my data/made"; chown 33:33 "/srv/my data/made"')).code,
    0,
  )
  assert.equal(readFileSync(join(mine, 'made'), 'utf8'), 'from inside\n')
  assert.equal(lstatSync(join(mine, 'made')).uid, 33)

  const listed = await farm.croftOk('mount', 'ls', '--json')
  assert.deepEqual(
    JSON.parse(listed).map(({ guest, target, readOnly }: Record<string, unknown>) => [guest, target, readOnly]),
    [
      ['web', '/srv/my data', false],
      ['web', '/srv/my data/deep/in', true],
    ],
  )
  assert.match(await farm.croftOk('show', 'web'), /mounts +.*to write on \/srv\/my data\n.*read-only/)
  await farm.croftOk('clone', 'web', 'twin')
  assert.equal(await farm.croftOk('mount', 'ls', 'twin', '-q'), '')
  assert.equal(await farm.inGuest('twin', 'find', '/srv', '-type', 'f'), '')
  assert.doesNotMatch(readFileSync('/proc/self/mounts', 'utf8'), /croft-mounts-/)

  await farm.croftOk('mount', 'rm', 'web', '/srv/my data/deep/in')
  await farm.croftOk('restart', 'web')
  assert.notEqual((await inside('test', '-e', '/srv/my data/deep/in/of-host')).code, 0)
  assert.equal((await inside('cat', '/srv/my data/made')).stdout, 'from inside\n')
  await refused(3, /nothing of the host is bound on \/nowhere/, 'mount', 'rm', 'web', '/nowhere')
})

test('its root makes nothing writable of what is read-only, opens no device and becomes nobody by a setuid file', async () => {
  const theirs = folder('locked', 0o755)
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  await farm.croftOk('mount', 'add', 'web', `${theirs}:/mnt/theirs`, 'ro')
  await farm.croftOk('start', 'web')
  for (const tried of [
    'touch /mnt/theirs/made',
    'mount -o remount,rw,bind /mnt/theirs',
    'mount -o remount,ro,suid,bind /mnt/theirs',
    'mount -o remount,ro,dev,bind /mnt/theirs',
    'mkdir /x && mount --bind /mnt/theirs /x && mount -o remount,rw,bind /x',
    'unshare -m sh -c "mount -o remount,rw,bind /mnt/theirs && touch /mnt/theirs/made"',
    'chmod 777 /mnt/theirs',
    'mount -o remount,rw,bind /dev/.croft-mounts/0 && touch /dev/.croft-mounts/0/made',
  ])
    assert.notEqual((await inside('sh', '-c', tried)).code, 0, tried)
  assert.throws(() => lstatSync(join(theirs, 'made')), { code: 'ENOENT' })
  assert.equal(lstatSync(theirs).mode & 0o777, 0o755)
  assert.match(await farm.inGuest('web', 'grep', '/mnt/theirs', '/proc/mounts'), / ro,nosuid,nodev,/)
  await farm.inGuest('web', 'umount', '/mnt/theirs')
  assert.equal(readFileSync(join(theirs, 'of-host'), 'utf8'), 'from the host\n')
})

test('a path in the guest leads nowhere but in the guest, whatever lies on it', async () => {
  const mine = folder('shared', 0o700)
  const canary = folder('canary', 0o700)
  await farm.croftOk('create', 'web', 'debian:12')
  await farm.inGuest('web', 'mkdir', '-p', canary)
  await farm.inGuest('web', 'ln', '-s', canary, '/mnt/link')
  await farm.croftOk('mount', 'add', 'web', `${mine}:/mnt/link/made`)
  await farm.croftOk('restart', 'web')
  assert.equal(await farm.inGuest('web', 'cat', `${canary}/made/of-host`), 'from the host')
  assert.throws(() => lstatSync(join(canary, 'made')), { code: 'ENOENT' })
  await farm.croftOk('kill', 'web')

  await farm.croftOk('mount', 'rm', 'web', '/mnt/link/made')
  await farm.croftOk('mount', 'add', 'web', `${mine}:/etc/passwd`)
  await refused(1, /in the guest one of these is no folder: \/etc\/passwd/, 'start', 'web')
  await farm.croftOk('mount', 'rm', 'web', '/etc/passwd')
  await farm.croftOk('start', 'web')
})

test('a folder that went away, or became another, fails the start and says so', async () => {
  const mine = folder('away', 0o700)
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  await farm.croftOk('mount', 'add', 'web', `${mine}:/mnt/mine`)
  renameSync(mine, `${mine}.not`)
  await refused(3, /there is no folder .*away on this host/, 'start', 'web')
  symlinkSync('/etc', mine)
  await refused(4, /leads to \/etc/, 'start', 'web')
  rmSync(mine)
  renameSync(`${mine}.not`, mine)
  chmodSync(mine, 0o755)
  await refused(4, /could leave programs in .*\n.*chmod 700/, 'start', 'web')
  chmodSync(mine, 0o700)
  await farm.croftOk('start', 'web')
  assert.equal(await farm.inGuest('web', 'cat', '/mnt/mine/of-host'), 'from the host')
})

test('what is the host’s own, croft’s, or not root’s alone is not bound', async () => {
  const open = folder('open', 0o777)
  mkdirSync(join(open, 'below'), { mode: 0o700 })
  const foreign = folder('foreign', 0o755)
  mkdirSync(join(foreign, 'below'), { mode: 0o700 })
  chownSync(foreign, 1234, 1234)
  symlinkSync('/etc', join(here, 'link'))
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  const add = (source: string, ...more: string[]) => ['mount', 'add', 'web', `${source}:/mnt/x`, ...more]
  for (const source of ['/etc', '/proc/1', '/sys', '/dev', '/run', '/usr/bin', farm.stateDir, farm.poolDir])
    await refused(4, /not bound/, ...add(source, 'ro'))
  await refused(4, /which is croft's, lies in \/var/, ...add('/var', 'ro'))
  await refused(4, /leads to \/etc/, ...add(join(here, 'link'), 'ro'))
  await refused(4, /is not root's alone/, ...add(join(open, 'below')))
  await refused(4, /is not root's alone/, ...add(join(foreign, 'below')))
  await refused(4, /could leave programs/, ...add(open))
  await refused(4, /is no folder/, ...add(join(open, 'of-host'), 'ro'))
  await refused(3, /there is no folder/, ...add(join(here, 'nowhere')))
  for (const [source, target] of [
    ['/', '/mnt'],
    ['srv', '/mnt'],
    ['/srv/../etc', '/mnt'],
    ['/srv', '/'],
    ['/srv', '/proc/1'],
    ['/srv', '/dev/.croft'],
    ['/srv', '/mnt/..'],
    ['/srv\nlxc.hook.start = /x', '/mnt'],
    ['/srv', '/mnt\n0 /etc'],
    ['/srv', '/mnt\u2028x'],
  ])
    assert.equal(
      (await farm.croft('mount', 'add', 'web', `${source}:${target}`)).code,
      2,
      JSON.stringify([source, target]),
    )
  assert.equal(await farm.croftOk('mount', 'ls', '-q'), '')
})
