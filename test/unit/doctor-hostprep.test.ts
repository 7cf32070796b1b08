import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type HostPaths, prepareHost, undoHost } from '../../src/daemon/hostprep/hostprep.ts'
import { readUpstream, resolverFiles } from '../../src/daemon/hostprep/resolver.ts'

const own = 'root:1879048192:268435456'
const fresh: Record<string, string> = {
  'fs/inotify/max_user_instances': '128\n',
  'kernel/pid_max': '32768\n',
  'kernel/keys/maxkeys': '200\n',
  'kernel/dmesg_restrict': '0\n',
  'net/ipv4/neigh/default/gc_thresh3': '65536\n',
}
let top: string
let paths: HostPaths

before(async () => {
  top = await mkdtemp(join(tmpdir(), 'croft-hostprep-'))
})
after(() => rm(top, { recursive: true }))

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
const read = (path: string) => readFile(path, 'utf8')

describe('a host is prepared', () => {
  beforeEach(async () => {
    const root = await mkdtemp(join(top, 'host-'))
    paths = {
      sysctl: join(root, 'sys'),
      confFile: join(root, 'etc/sysctl.d/60-croft.conf'),
      subuid: join(root, 'etc/subuid'),
      subgid: join(root, 'etc/subgid'),
      record: join(root, 'var/lib/croft/host-prepared'),
      links: join(root, 'sys/class/net'),
    }
    for (const [path, value] of Object.entries(fresh)) await put(join(paths.sysctl, path), value)
    await put(paths.subuid, 'lark:100000:65536')
    await chmod(paths.subuid, 0o640)
  })

  test('a fresh host is prepared, and the second time nothing changes', async () => {
    const changes = await prepareHost(paths)
    assert.deepEqual(changes, [
      'fs.inotify.max_user_instances: 128 → 8192',
      'kernel.pid_max: 32768 → 4194304',
      'kernel.keys.maxkeys: 200 → 2000',
      'kernel.dmesg_restrict: 0 → 1',
      `${paths.confFile}: written`,
      `${paths.subuid}: ${own} added`,
      `${paths.subgid}: ${own} added`,
    ])
    assert.equal(await read(paths.subuid), `lark:100000:65536\n${own}\n`)
    assert.equal((await stat(paths.subuid)).mode & 0o777, 0o640)
    assert.equal((await stat(paths.subgid)).mode & 0o777, 0o644)
    assert.match(await read(paths.confFile), /^net\.ipv4\.neigh\.default\.gc_thresh3 = 65536$/m)
    assert.doesNotMatch(await read(paths.confFile), /ipv6/)
    const before = (await stat(paths.confFile)).mtimeMs
    assert.deepEqual(await prepareHost(paths), [])
    assert.equal((await stat(paths.confFile)).mtimeMs, before)
  })

  test('undoing takes back what was changed, and nothing else', async () => {
    await prepareHost(paths)
    await writeFile(join(paths.sysctl, 'kernel/keys/maxkeys'), '5000')
    await writeFile(paths.subuid, `${await read(paths.subuid)}wren:200000:65536\n`)
    await undoHost(paths)
    assert.equal((await read(join(paths.sysctl, 'kernel/pid_max'))).trim(), '32768')
    assert.equal((await read(join(paths.sysctl, 'kernel/dmesg_restrict'))).trim(), '0')
    assert.equal(await read(join(paths.sysctl, 'kernel/keys/maxkeys')), '5000')
    assert.equal(await read(paths.subuid), 'lark:100000:65536\nwren:200000:65536\n')
    await assert.rejects(stat(paths.confFile), { code: 'ENOENT' })
    await assert.rejects(stat(paths.record), { code: 'ENOENT' })
    assert.deepEqual(await undoHost(paths), [])
  })

  test('a line that was there before is not ours to remove', async () => {
    await writeFile(paths.subuid, `${own}\n`)
    await prepareHost(paths)
    await undoHost(paths)
    assert.equal(await read(paths.subuid), `${own}\n`)
    assert.equal(await read(paths.subgid), '')
  })

  test('forwarding goes back when nobody else can need it, and the record is what the package reads', async () => {
    const path = join(paths.sysctl, 'net/ipv4/ip_forward')
    for (const [bridge, expected] of [
      ['', '0'],
      ['docker0', '1'],
    ] as const) {
      await put(path, '0\n')
      await prepareHost(paths)
      assert.match(await read(paths.record), /^setting net\/ipv4\/ip_forward 0 1$/m)
      assert.match(await read(paths.record), /^line \S+subuid root:1879048192:268435456$/m)
      await writeFile(path, '1\n')
      if (bridge !== '') await mkdir(join(paths.links, bridge, 'bridge'), { recursive: true })
      await undoHost(paths)
      assert.equal((await read(path)).trim(), expected)
    }
  })

  test('a record that is none is left for people to look at', async () => {
    await put(paths.record, '{}\n')
    await assert.rejects(undoHost(paths), { code: 'FAILED', message: /is no record/ })
  })

  test('a value raised twice goes back to the first', async () => {
    await prepareHost(paths)
    await writeFile(join(paths.sysctl, 'kernel/pid_max'), '65536')
    assert.deepEqual(await prepareHost(paths), ['kernel.pid_max: 65536 → 4194304'])
    await undoHost(paths)
    assert.equal((await read(join(paths.sysctl, 'kernel/pid_max'))).trim(), '32768')
  })

  test('ids of somebody else are refused before anything is changed', async () => {
    await put(paths.subgid, 'lark:1900000000:65536\n')
    await assert.rejects(prepareHost(paths), { code: 'REFUSED', message: /lark:1900000000:65536/ })
    assert.equal(await read(join(paths.sysctl, 'kernel/pid_max')), fresh['kernel/pid_max'])
    assert.equal(await read(paths.subuid), 'lark:100000:65536')
    await assert.rejects(stat(paths.confFile), { code: 'ENOENT' })
  })

  test('a symlink stays one; somebody else’s file of our name stays', async () => {
    const real = `${paths.subuid}.real`
    await writeFile(real, 'lark:100000:65536\n')
    await rm(paths.subuid)
    await symlink(real, paths.subuid)
    await prepareHost(paths)
    assert.equal(await read(real), `lark:100000:65536\n${own}\n`)
    await writeFile(paths.confFile, 'vm.swappiness = 1\n')
    await undoHost(paths)
    assert.equal(await read(paths.confFile), 'vm.swappiness = 1\n')
    assert.equal(await read(real), 'lark:100000:65536\n')
  })

  test('name servers: what systemd-resolved hides is found behind its stub', async () => {
    const files: Record<string, string> = {
      '/etc/resolv.conf': 'nameserver 127.0.0.53\n',
      '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.53\nnameserver 2001:db8::53\n',
    }
    const found = async () => readUpstream(async (path) => files[path])
    const [etc = '', resolved = ''] = resolverFiles
    assert.deepEqual(await found(), { file: resolved, servers: ['192.0.2.53', '2001:db8::53'] })
    files[etc] = 'nameserver 169.254.0.1\nnameserver 192.0.2.1\n'
    assert.deepEqual(await found(), { file: etc, servers: ['192.0.2.1'] }, 'without ourselves')
    files[etc] = 'nameserver 169.254.0.1\nnameserver 127.0.0.1\n'
    delete files[resolved]
    assert.deepEqual(await found(), { file: etc, servers: ['127.0.0.1'] }, 'one of the host itself')
    delete files[etc]
    assert.deepEqual(await found(), { file: etc, servers: [] })
  })
})
