import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '../../src/api/resources.ts'
import { judgeAddresses } from '../../src/daemon/doctor/addresses.ts'
import { judgeCgroups } from '../../src/daemon/doctor/cgroups.ts'
import { judgeClock } from '../../src/daemon/doctor/clock.ts'
import { diagnose, themes } from '../../src/daemon/doctor/doctor.ts'
import { judgeKernel } from '../../src/daemon/doctor/kernel.ts'
import { judgeLeftovers } from '../../src/daemon/doctor/leftovers.ts'
import type { Look } from '../../src/daemon/doctor/look.ts'
import { judgeLxcfs, lxcfsDevice } from '../../src/daemon/doctor/lxcfs.ts'
import { judgeNeighbours } from '../../src/daemon/doctor/neighbours.ts'
import type { Patient } from '../../src/daemon/doctor/patient.ts'
import { judgePool } from '../../src/daemon/doctor/pools.ts'
import { judgeSettings } from '../../src/daemon/doctor/preparation.ts'
import { judgeNames, judgeResolver } from '../../src/daemon/doctor/resolver.ts'
import { judgeStore } from '../../src/daemon/doctor/store.ts'
import { judgeMembers } from '../../src/daemon/doctor/store-members.ts'
import { judgeIds } from '../../src/daemon/doctor/subordinate-ids.ts'
import { judgeTools, tools } from '../../src/daemon/doctor/tools.ts'
import { ownRange, parseRanges } from '../../src/daemon/hostprep/subordinate.ts'
import { settings } from '../../src/daemon/hostprep/values.ts'

const verdicts = (findings: readonly Finding[]) => findings.map(({ verdict }) => verdict).join(' ')
const evidence = (findings: readonly Finding[]) => findings.map((finding) => finding.evidence).join('\n')
const gib = 1024 ** 3

test('a kernel is old, or lacks what guests need', () => {
  const good = { release: '6.1.0-18-amd64', maxUserNamespaces: 9000, btrfs: true, veth: undefined, seccomp: true }
  assert.equal(verdicts(judgeKernel(good)), 'ok')
  assert.equal(verdicts(judgeKernel({ ...good, release: '5.15.0' })), 'ok')
  assert.match(evidence(judgeKernel({ ...good, release: '5.10.0-28-amd64' })), /5\.10\.0.*need 5\.15/)
  assert.match(evidence(judgeKernel({ ...good, maxUserNamespaces: 0 })), /no guest can start/)
  const bare = { ...good, maxUserNamespaces: undefined, btrfs: false, veth: false, seccomp: false }
  assert.equal(verdicts(judgeKernel(bare)), 'red red red red')
})

test('cgroups: v1, v2, side by side, or missing', () => {
  const all = ['cpu', 'memory', 'pids', 'devices', 'freezer']
  assert.match(evidence(judgeCgroups({ v1: all, v2: [] })), /empty v2/)
  assert.match(evidence(judgeCgroups({ v1: all, v2: undefined })), /^v1:/)
  assert.match(evidence(judgeCgroups({ v1: [], v2: ['cpu', 'memory', 'pids'] })), /^v2:/)
  assert.equal(evidence(judgeCgroups({ v1: [], v2: ['cpu', 'pids'] })), 'no controller "memory"')
  assert.match(judgeCgroups({ v1: ['cpu'], v2: ['memory', 'pids'] })[0]?.evidence ?? '', /freezer/)
  assert.match(evidence(judgeCgroups({ v1: [], v2: undefined })), /no cgroups are mounted/)
})

test('lxcfs: not used, used, and gone from under guests that have its files', () => {
  const mounts = [
    '29 1 8:1 / / rw - ext4 /dev/sda1 rw',
    '35 29 0:50 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw,user_id=0',
    '36 29 0:51 /proc/stat /proc/stat ro - fuse.lxcfs lxcfs rw',
  ].join('\n')
  assert.deepEqual(
    [lxcfsDevice(mounts, '/var/lib/lxcfs'), lxcfsDevice(mounts), lxcfsDevice('')],
    ['0:50', '0:50', undefined],
  )
  assert.equal(lxcfsDevice(mounts, '/elsewhere'), undefined)
  const web = { name: 'web', device: '0:50' }
  assert.deepEqual(judgeLxcfs({ device: undefined, wanted: false, guests: [{ name: 'pg', device: undefined }] }), [])
  const [none] = judgeLxcfs({ device: undefined, wanted: true, guests: [] })
  assert.deepEqual([none?.verdict, /^apt install lxcfs;/.test(none?.mend ?? '')], ['warn', true])
  assert.equal(verdicts(judgeLxcfs({ device: '0:50', wanted: true, guests: [web] })), 'ok')
  for (const device of ['0:60', undefined])
    assert.match(judgeLxcfs({ device, wanted: true, guests: [web] })[0]?.mend ?? '', /^croft restart web$/)
})

test('tools: missing, too old, there', () => {
  const there = tools.map((tool) => ({ tool, there: true, said: 'v 5.0.2' }))
  assert.equal(verdicts(judgeTools(there)), 'ok')
  const without = judgeTools(there.map((each) => (each.tool.program === 'nft' ? { ...each, there: false } : each)))
  assert.deepEqual(
    without.map(({ verdict, mend }) => [verdict, mend]),
    [['red', 'apt-get install nftables']],
  )
  const old = judgeTools(there.map((each) => (each.tool.program === 'lxc-start' ? { ...each, said: '4.0.6' } : each)))
  assert.match(evidence(old), /lxc-start is 4\.0\.6, croft needs 5/)
})

test('kernel settings: too low is told with its reason, higher is fine', () => {
  const good = new Map(settings.map(({ path, wanted }) => [path, wanted]))
  assert.equal(verdicts(judgeSettings(good)), 'ok')
  assert.equal(verdicts(judgeSettings(new Map([...good, ['kernel/pid_max', 9_000_000]]))), 'ok')
  assert.equal(verdicts(judgeSettings(new Map([...good, ['kernel/pid_max', 32_768]]))), 'warn')
  const [low] = judgeSettings(new Map([...good, ['fs/inotify/max_user_instances', 128]]))
  assert.equal(low?.verdict, 'red')
  assert.match(low?.evidence ?? '', /fs\.inotify\.max_user_instances is 128/)
  assert.equal(low?.mend, 'croft doctor --fix sysctl')
})

test('ids: covered, missing, shared with another', () => {
  const judge = (text: string) => judgeIds({ own: ownRange(), ranges: new Map([['/etc/subuid', parseRanges(text)]]) })
  assert.equal(verdicts(judge('root:1879048192:268435456\nlark:100000:65536\n')), 'ok')
  assert.equal(verdicts(judge('0:1879048192:268435456')), 'ok')
  assert.equal(verdicts(judge('root:1000000:2200000000')), 'ok')
  assert.match(evidence(judge('root:1879048192:65536')), /has no line root:1879048192:268435456/)
  assert.match(evidence(judge('root:1879048192:268435456\nlark:2147483647:10')), /lark:2147483647:10 shares/)
  assert.equal(verdicts(judge('root:1879048192:268435456\nlark:2147483648:10')), 'ok')
  assert.equal(verdicts(judge('lark:1879113728:65536')), 'red red')
})

test('addresses: the prefix, the gateway, forwarding', () => {
  const gateway = { network: '169.254.0.1', by: 'lo' }
  const good = { prefix4: '10.100.0.0/16', taken: [gateway], forwards: true }
  assert.equal(verdicts(judgeAddresses(good)), 'ok ok ok')
  assert.equal(verdicts(judgeAddresses({ ...good, taken: [], forwards: false })), 'ok red red')
  const inside = judgeAddresses({ ...good, taken: [gateway, { network: '10.100.4.0/24', by: 'tun0' }] })
  assert.match(inside[0]?.evidence ?? '', /10\.100\.4\.0\/24 \(tun0\)/)
  assert.equal(inside[0]?.verdict, 'red')
  assert.equal(
    verdicts(judgeAddresses({ ...good, taken: [gateway, { network: '10.0.0.0/8', by: 'tun0' }] })),
    'warn ok ok',
  )
  assert.match(evidence(judgeAddresses({ prefix4: undefined, taken: [], forwards: false })), /10\.100\.0\.0/)
})

test('resolver: a host that names no server is told so, and one that is silent', () => {
  const good = { upstream: ['192.0.2.53'], silent: [] }
  assert.equal(verdicts(judgeResolver(good)), 'ok')
  assert.match(evidence(judgeResolver({ ...good, upstream: [] })), /names no server/)
  assert.equal(verdicts(judgeResolver({ ...good, silent: ['192.0.2.53'] })), 'warn')
})

test('names: a silent server is red, with its port', () => {
  const good = { farm: 'meadow', silent: [], answers: true, hostAsks: false, resolved: false }
  assert.match(evidence(judgeNames(good)), /meadow\.internal .* does not ask it/)
  assert.match(judgeNames(good)[0]?.mend ?? '', /1i nameserver 169\.254\.0\.1/)
  assert.match(judgeNames({ ...good, resolved: true })[0]?.mend ?? '', /Domains=~meadow\.internal/)
  assert.equal(judgeNames({ ...good, hostAsks: true })[0]?.mend, undefined)
  const [dead] = judgeNames({ ...good, silent: ['closed'], answers: false })
  assert.equal(dead?.verdict, 'red')
  assert.match(`${dead?.evidence} ${dead?.mend}`, /5300: nothing answers.*sport = 5300/)
  assert.match(evidence(judgeNames({ ...good, silent: ['open', 'closed'] })), /port 53: what answers there is not ours/)
})

test('store: damage before room, room before size', () => {
  const good = { kind: 'sqlite', revision: 7, sizeBytes: 4096, diskFreeBytes: 20 * gib, damage: undefined }
  assert.equal(verdicts(judgeStore(good)), 'ok')
  assert.match(evidence(judgeStore({ ...good, damage: 'row 3 missing', diskFreeBytes: 0 })), /damaged: row 3 missing/)
  assert.equal(verdicts(judgeStore({ ...good, diskFreeBytes: gib / 2 })), 'warn')
  assert.equal(verdicts(judgeStore({ ...good, diskFreeBytes: 1024 })), 'red')
  assert.equal(verdicts(judgeStore({ ...good, sizeBytes: 3 * gib })), 'warn')
})

test('the store of several hosts: members that are away, one that does not answer, a disk that fills', () => {
  const member = (host: string, state: 'leads' | 'follows' | 'away') =>
    ({ host, state, url: `https://${host}:2379`, sizeBytes: 1, version: '3.4.23' }) as const
  const members = [member('ash', 'leads'), member('birch', 'follows'), member('cedar', 'follows')]
  const view = { kind: 'etcd', at: ['https://ash:2379'], revision: 7, sizeBytes: 1, members, snapshot: null } as const
  const whole = judgeMembers({ view, diskFreeBytes: 9 * gib })
  assert.equal(verdicts(whole), 'ok')
  assert.match(evidence(whole), /3 of 3 members vote, revision 7/)
  const lost = { ...view, members: [...members.slice(0, 2), member('cedar', 'away')] }
  assert.match(evidence(judgeMembers({ view: lost, diskFreeBytes: 9 * gib })), /2 of 3 members vote; away: cedar/)
  assert.equal(verdicts(judgeMembers({ view: lost, diskFreeBytes: 9 * gib })), 'warn')
  const silent = { ...view, revision: null, reason: 'nobody leads' }
  assert.match(evidence(judgeMembers({ view: silent, diskFreeBytes: 9 * gib })), /nobody leads/)
  assert.equal(verdicts(judgeMembers({ view: silent, diskFreeBytes: 9 * gib })), 'red')
  assert.equal(verdicts(judgeMembers({ view, diskFreeBytes: 1024 })), 'red')
})

test('pool: mounted, with room, counting, whole', () => {
  const state = { mounted: true, totalBytes: 100 * gib, freeBytes: 50 * gib }
  const good = { name: 'default', mountPoint: '/p', state, counting: 'on', diskErrors: 0 } as const
  const judge = (more: object) => verdicts(judgePool({ ...good, ...more }))
  assert.equal(judge({}), 'ok')
  assert.equal(judge({ state: { ...state, freeBytes: 9 * gib } }), 'warn')
  assert.equal(judge({ state: { ...state, freeBytes: gib } }), 'red')
  assert.equal(judge({ state: { ...state, warning: 'may grow by 9 GiB, its disk has 3 GiB left' } }), 'warn')
  assert.equal(judge({ counting: 'off' }), 'red')
  assert.equal(judge({ counting: 'inconsistent', diskErrors: 2 }), 'warn red')
  const [lost] = judgePool({ ...good, state: { mounted: false, totalBytes: null, freeBytes: null } })
  assert.match(lost?.mend ?? '', /croft doctor --fix pool-mount$/)
  const gone = { mounted: false, totalBytes: null, freeBytes: null, reason: 'no such device' }
  assert.match(evidence(judgePool({ ...good, state: gone })), /away, its guests wait: no such device/)
})

test('clock: insane, before the farm, jumped, kept by nobody', () => {
  const now = Date.parse('2027-03-01T12:00:00Z')
  const good = { now, farmCreated: now - 1000, jumpedMs: 3, keeper: 'chronyd' }
  assert.equal(verdicts(judgeClock(good)), 'ok')
  assert.match(evidence(judgeClock({ ...good, now: 0 })), /the year 1970/)
  assert.match(evidence(judgeClock({ ...good, farmCreated: now + 1 })), /before this farm began/)
  assert.match(evidence(judgeClock({ ...good, jumpedMs: -3_600_000 })), /jumped by -3600 s/)
  assert.equal(verdicts(judgeClock({ ...good, keeper: undefined })), 'warn')
})

test('leftovers are counted, neighbours named', () => {
  assert.equal(verdicts(judgeLeftovers([])), 'ok')
  assert.match(evidence(judgeLeftovers(['guest 1', 'guest 2', 'guest 3', 'guest 4'])), /^4 without.*guest 3, …$/)
  assert.equal(verdicts(judgeNeighbours([])), 'ok')
  assert.match(evidence(judgeNeighbours([{ name: 'Incus', links: ['incusbr0'] }])), /Incus is here with incusbr0/)
  assert.equal(verdicts(judgeNeighbours([{ name: 'Proxmox VE', links: [] }])), 'warn')
})

test('what cannot be examined is a red finding of its theme, and the others go on', async () => {
  const broken = async (): Promise<never> => {
    throw new Error('the disk is on fire')
  }
  const run = { run: broken, outcome: broken }
  const look: Look = { run, text: broken, names: broken, program: broken, answers: broken }
  const patient = {
    run,
    settings: { stateDir: '/nowhere', storeFile: '/nowhere', hooksDir: '/nowhere' },
    store: { get: broken },
  } as unknown as Patient
  const findings = await diagnose(
    { ...patient, open: undefined, env: { now: () => 0, monotonicMs: () => 0 } as never },
    look,
  )
  for (const { verdict, evidence } of findings) assert.deepEqual([verdict, /on fire/.test(evidence)], ['red', true])
  // Seven need a farm, or find nothing where nothing can be read.
  assert.ok(findings.length >= themes.length - 7)
})

test('every red finding has a mend', () => {
  const none = { mounted: false, totalBytes: null, freeBytes: null }
  const reds = [
    ...judgeKernel({ release: '4.19', maxUserNamespaces: 0, btrfs: false, veth: false, seccomp: false }),
    ...judgeCgroups({ v1: [], v2: [] }),
    ...judgeTools(tools.map((tool) => ({ tool, there: false }))),
    ...judgeIds({ own: ownRange(), ranges: new Map([['/etc/subgid', []]]) }),
    ...judgePool({ name: 'p', mountPoint: '/p', state: none, counting: undefined, diskErrors: 0 }),
  ]
  for (const finding of reds) assert.ok(finding.mend, finding.evidence)
})
