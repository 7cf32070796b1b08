import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Definition } from '../../src/drivers/runtime/driver.ts'
import { keysFile } from '../../src/drivers/runtime/first-files.ts'
import { Cgroup, type CgroupRoots, cgroupNumbers, parseCgroupMounts } from '../../src/drivers/runtime/lxc/cgroup.ts'
import { attachCommand, startCommand } from '../../src/drivers/runtime/lxc/commands.ts'
import { lxcConfig, quotaUs } from '../../src/drivers/runtime/lxc/config.ts'
import { firstFiles } from '../../src/drivers/runtime/lxc/first.ts'
import { layoutOf } from '../../src/drivers/runtime/lxc/layout.ts'
import { liveNumbers } from '../../src/drivers/runtime/lxc/monitor.ts'
import { fstabOf, mountList, mountsOf, withMounts } from '../../src/drivers/runtime/lxc/mounts.ts'
import { lastErrors, parseNetDev } from '../../src/drivers/runtime/lxc/parse.ts'
import { seccompProfile } from '../../src/drivers/runtime/lxc/seccomp.ts'

const options = { lxcPath: '/var/lib/croft/lxc', cgroup: 'croft.1' }
const guest: Definition = {
  ...{ number: 21, id: 'guest-id', hostName: 'web', rootPath: '/pool/guests/21/roots/r1', uidBase: 1879048192 },
  limits: { memoryBytes: 512 * 1024 ** 2, cpus: 1.5, processes: 500, diskBytes: 2 ** 30 },
  link: { name: 'croft21', ipv4: '10.100.0.21', ipv6: 'fd12::15', mtu: 1400, mac: '0a:c7:0f:00:00:15', more: [] },
  files: { hosts: 'h\n', resolv: 'r\n', keys: '' },
}

const folder = mkdtempSync(join(tmpdir(), 'croft-cgroup-'))
after(() => rmSync(folder, { recursive: true }))

test('the whole configuration of a guest is as in runtime-lxc.conf', () => {
  const file = join(import.meta.dirname, 'runtime-lxc.conf')
  const text = lxcConfig(guest, layoutOf(options, 21), { appArmor: true })
  if (process.env.CROFT_GOLDEN === 'write') writeFileSync(file, text)
  assert.equal(text, readFileSync(file, 'utf8'))
})

test('it includes nothing, binds nothing on a path of the guest, and lets no device but ten through', () => {
  const lines = lxcConfig(guest, layoutOf(options, 21), { appArmor: false }).trim().split('\n')
  for (const line of lines) assert.match(line, /^lxc\.[a-z0-9._]+ = \S.*$/)
  const of = (key: string) => lines.filter((line) => line.startsWith(`${key} = `)).map((line) => line.split(' = ')[1])
  assert.deepEqual([of('lxc.include'), of('lxc.apparmor.profile')], [[], []])
  assert.deepEqual(of('lxc.mount.entry'), ['/var/lib/croft/lxc/21/first dev/.croft none bind,ro,create=dir 0 0'])
  assert.deepEqual(
    lines.filter((line) => line.startsWith('lxc.hook')),
    ['lxc.hook.start = /dev/.croft/first'],
  )
  for (const version of ['lxc.cgroup', 'lxc.cgroup2']) {
    assert.deepEqual(of(`${version}.devices.deny`), ['a'])
    assert.ok(
      lines.indexOf(`${version}.devices.deny = a`) <
        lines.findIndex((line) => line.includes(`${version}.devices.allow`)),
    )
    assert.ok(of(`${version}.devices.allow`).every((device) => /^c (1:[35789]|5:[012]|136:\*) rwm$/.test(device ?? '')))
  }
  assert.match(of('lxc.cap.drop')[0] ?? '', /sys_rawio.*sys_module.*sys_time/)
})

test('nesting adds a whole proc and sysfs on the tmpfs of LXC, and nothing else', () => {
  const text = (nesting: boolean) => lxcConfig({ ...guest, nesting }, layoutOf(options, 21), { appArmor: false })
  const before = new Set(text(false).split('\n'))
  assert.deepEqual(
    text(true)
      .split('\n')
      .filter((line) => !before.has(line)),
    [
      'lxc.mount.entry = proc dev/.lxc/proc proc create=dir,optional 0 0',
      'lxc.mount.entry = sysfs dev/.lxc/sys sysfs create=dir,optional 0 0',
    ],
  )
})

test('folders of the host: bound by the monitor, then idmapped on the tmpfs of LXC, then by a hook that is no value', () => {
  const at = layoutOf(options, 21)
  const mounts = [
    { source: '/srv/my photos', target: '/srv/b/in', readOnly: true },
    { source: '/srv/a\\#', target: '/srv/b', readOnly: false },
  ]
  const text = lxcConfig({ ...guest, mounts }, at, { appArmor: false })
  const before = new Set(lxcConfig(guest, at, { appArmor: false }).split('\n'))
  assert.deepEqual(
    text.split('\n').filter((line) => !before.has(line)),
    [0, 1].map(
      (n) =>
        `lxc.mount.entry = /var/lib/croft/lxc/21/binds/${n} dev/.croft-mounts/${n} none bind,idmap=container,create=dir 0 0`,
    ),
  )
  assert.equal(mountList({ ...guest, mounts }), '0 /srv/b\n1 /srv/b/in\n')
  assert.equal(
    fstabOf(mountsOf({ mounts }), at.binds),
    [
      '/srv/a\\134\\043 /var/lib/croft/lxc/21/binds/0 none bind,rw,nosuid,nodev,private 0 0\n',
      '/srv/my\\040photos /var/lib/croft/lxc/21/binds/1 none bind,ro,nosuid,nodev,private 0 0\n',
    ].join(''),
  )
  const start = withMounts(startCommand(options, 21, at), at)
  assert.deepEqual([start.file, start.args[8], start.args[9]], ['/usr/bin/unshare', at.fstab, '/usr/bin/lxc-start'])
})

test('lxcfs: a few files over the fresh proc, read-only, and a start without it goes on', () => {
  const mounts = (lxcfs?: string) =>
    lxcConfig(guest, layoutOf(options, 21), { appArmor: false, lxcfs }).match(/^lxc\.mount\.entry = \S*lxcfs.*$/gm) ??
    []
  assert.deepEqual(mounts(), [])
  assert.equal(mounts('/var/lib/lxcfs').length, 5)
  for (const line of mounts('/var/lib/lxcfs'))
    assert.match(line, /= \/var\/lib\/lxcfs\/(proc\/[a-z]+) \1 none bind,ro,optional 0 0$/)
})

test('without limits there is none written', () => {
  const text = lxcConfig({ ...guest, limits: {} }, layoutOf(options, 21), { appArmor: false })
  assert.doesNotMatch(text, /memory|cfs_quota|cpu\.max|pids/)
  assert.deepEqual([quotaUs(0.001), quotaUs(1), quotaUs(2.5)], [1000, 100_000, 250_000])
})

test('a number out of range has no layout; a good one lies below the state directory alone', () => {
  for (const number of [0, -1, 65535, 1.5, Number.NaN])
    assert.throws(() => layoutOf(options, number), { code: 'BAD_VALUE' })
  const { socket, lock, cgroup } = layoutOf(options, 21)
  assert.deepEqual(
    [socket, lock, cgroup],
    ['/var/lib/croft/lxc/21/command', '/run/lxc/lock/var/lib/croft/lxc/.21', 'croft.1/21'],
  )
})

test('commands are words; what people say follows --', () => {
  const start = startCommand({ ...options, startTimeoutMs: 5 }, 21, layoutOf(options, 21))
  assert.deepEqual([start.args.slice(0, 5), start.timeoutMs], [['-P', '/var/lib/croft/lxc', '-n', '21', '-d'], 5])
  const attach = attachCommand('/l', 21, { command: ['--help', '; id', '$(x)'], env: { A: '-n 7' } })
  assert.deepEqual(
    [attach.file, ...attach.args],
    [...['lxc-attach', '-P', '/l', '-n', '21', '--clear-env', '-v', 'A=-n 7', '--', '--help', '; id', '$(x)']],
  )
})

test('seccomp: LXC’s own five, what breaks kernels, and the btrfs ioctls under a mask', () => {
  const lines = seccompProfile().split('\n')
  assert.deepEqual(lines.slice(0, 4), ['2', 'denylist', 'reject_force_umount', '[all]'])
  const own = ['kexec_load', 'open_by_handle_at', 'init_module', 'finit_module', 'delete_module']
  const more = ['bpf', 'keyctl', 'userfaultfd', 'perf_event_open', 'kexec_file_load']
  for (const call of [...own, ...more])
    assert.ok(
      lines.some((line) => line.startsWith(`${call} errno `)),
      call,
    )
  for (const ioctl of ['0x5000940e', '0x50009401', '0x50009418', '0x50009417'])
    assert.ok(lines.includes(`ioctl errno 1 [1,${ioctl},SCMP_CMP_MASKED_EQ,0xffffffff]`), ioctl)
})

test('first steps: text for each file, the script alone may run', () => {
  const files = firstFiles(guest)
  assert.deepEqual(Object.keys(files), ['first', 'id', 'hostname', 'hosts', 'resolv', 'keys', 'mounts'])
  for (const [name, { mode }] of Object.entries(files)) assert.equal(mode, name === 'first' ? 0o755 : 0o644)
  assert.deepEqual([files.id?.text, files.hostname?.text, files.hosts?.text], ['guest-id\n', 'web\n', 'h\n'])
  assert.doesNotMatch(files.first?.text ?? '', /guest-id|web/, 'no value is part of a script')
  assert.match(files.first?.text ?? '', /^#!\/bin\/sh\n(.*\n)+exit 0\n$/)
})

test('keys stand between marks; none, no file', () => {
  assert.equal(keysFile([]), '')
  assert.equal(keysFile(['a', 'b']), '# croft keys\na\nb\n# end of croft keys\n')
})

const v1Mounts = ['cpu,cpuacct', 'memory', 'pids', 'freezer', 'devices']
  .map((options) => `cgroup /sys/fs/cgroup/${options} cgroup rw,nosuid,${options} 0 0`)
  .join('\n')
const named = 'cgroup /sys/fs/cgroup/systemd cgroup rw,none,name=systemd 0 0'
const v2Mount = 'cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0'

test('cgroup mounts: v1, v2, both side by side, none', () => {
  const v1 = parseCgroupMounts(`${v1Mounts}\n${named}\nproc /proc proc rw 0 0\n`)
  assert.equal(v1.v2, undefined)
  assert.deepEqual([...v1.v1.keys()].sort(), 'cpu cpuacct devices freezer memory name=systemd pids'.split(' '))
  assert.equal(v1.v1.get('cpuacct'), '/sys/fs/cgroup/cpu,cpuacct')
  const v2 = parseCgroupMounts('cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n')
  assert.deepEqual([v2.v2, v2.v1.size], ['/sys/fs/cgroup', 0])
  const hybrid = parseCgroupMounts(`${v2Mount}\n${v1Mounts}\n`)
  assert.deepEqual([hybrid.v2, hybrid.v1.get('memory')], ['/sys/fs/cgroup/unified', '/sys/fs/cgroup/memory'])
  assert.deepEqual(parseCgroupMounts(''), { v1: new Map(), v2: undefined })
})

/** Files of one guest's cgroup in a folder that stands for a hierarchy. */
function cgroupWith(name: string, files: Readonly<Record<string, string>>): string {
  const top = join(folder, name)
  mkdirSync(join(top, 'croft.1/21/guest'), { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(top, 'croft.1/21/guest', file), `${text}\n`)
  return top
}
const textIn = (top: string, file: string) => readFileSync(join(top, 'croft.1/21/guest', file), 'utf8').trim()

const unlimited = '9223372036854771712'

function v1Roots(): CgroupRoots & { readonly top: string } {
  const top = cgroupWith('v1', {
    ...{ 'memory.usage_in_bytes': '5000', 'memory.limit_in_bytes': unlimited, 'pids.current': '7', 'pids.max': 'max' },
    ...{ 'memory.stat': 'cache 900\ninactive_file 1\ntotal_inactive_file 1000', 'cpuacct.usage': '2500000000' },
    ...{ 'freezer.state': 'THAWED', 'cpu.cfs_quota_us': '-1', 'memory.oom_control': 'under_oom 0\noom_kill 1' },
    'blkio.throttle.io_service_bytes_recursive': '7:0 Read 4096\n7:0 Write 9\n8:0 Read 4000\nTotal 8105',
  })
  for (const [below, kills] of [
    ['ns', 2],
    ['ns/system.slice', 4],
  ] as const) {
    mkdirSync(join(top, 'croft.1/21/guest', below), { recursive: true })
    writeFileSync(join(top, 'croft.1/21/guest', below, 'memory.oom_control'), `oom_kill ${kills}\n`)
  }
  const controllers = ['cpu', 'cpuacct', 'memory', 'pids', 'freezer', 'blkio']
  return { top, v2: undefined, v1: new Map(controllers.map((name) => [name, top])) }
}

function v2Roots(): CgroupRoots & { readonly top: string } {
  const top = cgroupWith('v2', {
    ...{ 'memory.current': '5000', 'memory.max': '8000', 'memory.high': 'max', 'pids.current': '7', 'pids.max': '50' },
    ...{ 'memory.stat': 'anon 1\ninactive_file 1000', 'cpu.stat': 'usage_usec 2500000\nuser_usec 1' },
    ...{ 'cgroup.freeze': '0', 'cpu.max': 'max 100000', 'memory.events': 'oom 9\noom_kill 7\noom_group_kill 0' },
    'io.stat': '7:0 rbytes=4096 wbytes=9 rios=1 wios=1 dbytes=0 dios=0\n8:0 rbytes=4000 wbytes=0',
  })
  return { top, v2: top, v1: new Map() }
}

test('usage on v1 and v2: without the cache that can be given back; no limit is null', () => {
  const common = { cpuSeconds: 2.5, processes: 7, diskReadBytes: 4096, diskWriteBytes: 9, oomKills: 7 }
  const [first, second] = [new Cgroup(v1Roots(), 'croft.1/21').usage(), new Cgroup(v2Roots(), 'croft.1/21').usage()]
  assert.deepEqual({ ...second }, { ...common, memoryBytes: 4000, memoryLimit: 8000, processLimit: 50 })
  assert.equal(first.memoryLimit, null)
  assert.deepEqual([first.cpuSeconds, first.processes, first.processLimit], [2.5, 7, null])
  assert.equal(first.memoryBytes, 4000)
  const { oomKills, diskReadBytes, diskWriteBytes } = first
  assert.deepEqual([oomKills, diskReadBytes, diskWriteBytes], [7, 4096, 9], 'kills of all folders below')
})

test('a guest that makes folders without end is looked into as far as is fair', () => {
  const v1 = v1Roots()
  const within = join(v1.top, 'croft.1/21/guest/ns')
  const deep = join(within, ...Array.from({ length: 50 }, () => 'deeper'))
  for (const below of [deep, ...Array.from({ length: 300 }, (_, at) => join(within, `h ${at}\u001b`))]) {
    mkdirSync(below, { recursive: true })
    writeFileSync(join(below, 'memory.oom_control'), 'oom_kill 1\n')
  }
  const kills = new Cgroup(v1, 'croft.1/21').usage().oomKills ?? 0
  assert.ok(kills > 1 && kills <= 207, String(kills))
  rmSync(within, { recursive: true })
})

test('a cgroup that is not there is all null, and frozen it is not', () => {
  const nowhere = new Cgroup({ v1: new Map(), v2: join(folder, 'nowhere') }, 'croft.1/9')
  assert.ok(Object.values(nowhere.usage()).every((value) => value === null))
  assert.equal(nowhere.isFrozen(), false)
})

test('limits on v1 and v2 go to the files that each has', () => {
  const v1 = v1Roots()
  new Cgroup(v1, 'croft.1/21').setLimits({ memoryBytes: 4096, cpus: 0.5, processes: 9 })
  assert.deepEqual(
    ['memory.limit_in_bytes', 'cpu.cfs_quota_us', 'pids.max'].map((file) => textIn(v1.top, file)),
    ['4096', '50000', '9'],
  )
  new Cgroup(v1, 'croft.1/21').setLimits({})
  assert.deepEqual(
    ['memory.limit_in_bytes', 'cpu.cfs_quota_us', 'pids.max'].map((file) => textIn(v1.top, file)),
    ['-1', '-1', 'max'],
  )
  const v2 = v2Roots()
  new Cgroup(v2, 'croft.1/21').setLimits({ memoryBytes: 4096, cpus: 0.5 })
  assert.deepEqual(
    ['memory.max', 'memory.high', 'cpu.max', 'pids.max'].map((file) => textIn(v2.top, file)),
    ['4096', 'max', '50000 100000', 'max'],
  )
})

test('freezing on v1 and v2', () => {
  for (const [roots, file, frozen] of [
    [v1Roots(), 'freezer.state', 'FROZEN'],
    [v2Roots(), 'cgroup.freeze', '1'],
  ] as const) {
    const cgroup = new Cgroup(roots, 'croft.1/21')
    assert.equal(cgroup.isFrozen(), false)
    cgroup.freeze(true)
    assert.deepEqual([textIn(roots.top, file), cgroup.isFrozen()], [frozen, true])
    cgroup.freeze(false)
    assert.equal(cgroup.isFrozen(), false)
  }
})

test('sweeping takes empty folders deepest first, and says when something is left', async () => {
  const top = join(folder, 'sweep')
  mkdirSync(join(top, 'croft.1/21/guest/ns/deep'), { recursive: true })
  mkdirSync(join(top, 'croft.1/22'), { recursive: true })
  const roots: CgroupRoots = { v1: new Map([['memory', top]]), v2: undefined }
  const killed: number[] = []
  assert.deepEqual([...cgroupNumbers(roots, 'croft.1')].sort(), [21, 22])
  assert.equal(await new Cgroup(roots, 'croft.1/21').sweep((pid) => killed.push(pid)), true)
  assert.deepEqual([...cgroupNumbers(roots, 'croft.1')], [22])
  writeFileSync(join(top, 'croft.1/22/cgroup.procs'), '4711\n1\n')
  assert.equal(await new Cgroup(roots, 'croft.1/22').sweep((pid) => killed.push(pid)), false)
  assert.deepEqual(killed, [4711], 'never process 1')
})

test('who lives is read from the abstract sockets of this state directory alone', () => {
  const sockets = [
    'Num       RefCount Protocol Flags    Type St Inode Path',
    '0000: 00000002 00000000 00010000 0001 01 1 @/var/lib/croft/lxc/21/command',
    '0000: 00000003 00000000 00000000 0001 03 2 @/var/lib/croft/lxc/21/command',
    '0000: 00000002 00000000 00010000 0001 01 3 @/var/lib/croft/lxc/7/command',
    '0000: 00000002 00000000 00010000 0001 01 4 @/other/lxc/9/command',
    '0000: 00000002 00000000 00010000 0001 01 5 @/var/lib/croft/lxc/8/commandx',
    '0000: 00000002 00000000 00010000 0001 01 6 /var/lib/croft/lxc/5/command',
    '0000: 00000002 00000000 00010000 0001 01 7 @/var/lib/croft/lxc/web/command',
  ]
  assert.deepEqual([...liveNumbers('/var/lib/croft/lxc', sockets.join('\n'))].sort(), [21, 7])
})

test('why a start failed: the last five things that LXC said, without where it said them', () => {
  const line = (file: string, text: string) =>
    `lxc-start 21 20261121120000.123 ERROR    ${file} - ${file}.c:do:12 - ${text}`
  const log = [
    ...Array.from({ length: 6 }, (_, at) => line('cgfsng', `step ${at}`)),
    line('lxc_start', 'The container failed to start'),
    line('lxccontainer', 'x - wait_on_daemonized_start'),
  ]
  assert.equal(lastErrors(log.join('\n')), [1, 2, 3, 4, 5].map((at) => `cgfsng: step ${at}`).join('\n'))
  assert.equal(lastErrors('something else\n'), 'something else')
  assert.equal(lastErrors(''), 'lxc-start failed without a word')
})

test('bytes of eth0, whatever else there is', () => {
  const text = `Inter-|   Receive\n face |bytes\n    lo:  10 1 0 0 0 0 0 0 10 1 0 0 0 0 0 0\n  eth0: 1500 3 0 0 0 0 0 0 2500 4 0 0 0 0 0 0\n`
  assert.deepEqual(parseNetDev(text), { netInBytes: 1500, netOutBytes: 2500 })
  assert.deepEqual(parseNetDev(''), { netInBytes: null, netOutBytes: null })
})
