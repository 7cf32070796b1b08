/** The package on a Debian with systemd: installed, used, upgraded under a running guest, taken back, removed, purged. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { startDebianHost } from './debian-host.ts'

const root = new URL('../..', import.meta.url).pathname
const run = createRunner()
const [old, next] = await Promise.all([buildPackage('0.1.0'), buildPackage('0.2.0')])
const host = await startDebianHost()
after(() => host[Symbol.asyncDispose]())
await host.give(`${root}${old}`, 'old.deb')
await host.give(`${root}${next}`, 'next.deb')

/** Quickly rather than small; the same sources, so the one that runs is 0.1.0 or 0.2.0 in name alone. */
async function buildPackage(version: string): Promise<string> {
  const args = ['--version', version]
  const said = await run.run({
    file: 'script/package',
    args,
    cwd: root,
    env: { CROFT_DEB_LEVEL: '1' },
    timeoutMs: 120_000,
  })
  return said.split(' ')[0] ?? ''
}

const install = (deb: string) =>
  host.ok(`apt-get install -y --allow-downgrades --no-install-recommends /root/${deb}.deb 2>&1`)
const initOf = (number: number) => host.ok(`lxc-info -P /var/lib/croft/lxc -n ${number} -p -H`)
const version = () => host.ok('croft status -o json | sed -n \'s/.*"version": *"\\([^"]*\\)".*/\\1/p\'')

/** All that a package could leave behind: files outside of dpkg's and systemd's own books and of what a running etcd writes, settings, rules, links, mounts, processes. */
const picture = () =>
  host.ok(`
    find /etc /usr /opt /srv /root /home /lib /var -xdev \\( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \\
      -o -path /var/lib/systemd -o -path /var/lib/etcd/default/member -o -path /var/tmp \\) -prune -o ! -type d -print | sort
    ls -d /var/cache/croft /var/lib/croft /run/croft 2>/dev/null
    cat /etc/subuid /etc/subgid /etc/group /etc/gshadow
    grep -rs . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/kernel/pid_max \\
      /proc/sys/fs/inotify/max_user_instances /proc/sys/kernel/keys/maxkeys
    ip -br address | sed 's/@[^ ]* */ /'; ip route; nft list ruleset
    cut -d' ' -f2 /proc/self/mounts | grep croft
    find /sys/fs/cgroup -name 'croft.*'
    systemctl list-units --all --plain --no-legend 'croft*'
    ps -eo comm= | grep -E 'lxc-start|lxc-monitor|node|croft|dnsmasq' || true`)

/** One program as a whole root: enough for a guest that must only live. */
const tinyTemplate = `
  id=6f3c2a10-0000-4000-8000-000000000001; root=/var/lib/croft/pools/default/templates/$id
  btrfs subvolume create $root && cd $root && mkdir bin sbin etc dev proc sys run tmp srv root var && cp /bin/busybox bin
  for program in sh sleep hostname cat; do ln -s busybox bin/$program; done
  printf '#!/bin/sh\\ntrap "echo asked >>/srv/asked; exit 0" PWR\\nwhile :; do sleep 1000 & wait $!; done\\n' >sbin/init && chmod 755 sbin/init && cd /
  btrfs property set -ts $root ro true
  printf '{"schema":1,"ref":"tiny:1","id":"%s","created":"2026-01-01T00:00:00Z","source":{"from":"debian:12","packages":[]},"sizeBytes":1,"sha256":"%064d"}' $id 0 >$root.json
  croft host apply --adopt`

let before = ''
let init = ''

test('installed, it runs before apt ends, and its command starts from a filled cache', async () => {
  before = await picture()
  const said = await install('old')
  assert.match(said, /^croft: to start a farm on this host: croft init\r?$/m)
  assert.match(said, /^croft: \/etc\/subuid: root:1879048192:268435456 added\r?$/m)
  assert.equal(await host.ok('systemctl is-active croft; systemctl is-enabled croft'), 'active\nenabled')
  assert.equal((await host.sh('croft ls')).code, 5)
  assert.match(await host.ok('find /var/cache/croft -type f | wc -l'), /^[1-9]/)
  assert.match(await host.ok('croft version'), /^croft 0\.1\.0/)
})

test('a farm and a guest', async () => {
  await host.ok('croft init meadow')
  await host.ok(tinyTemplate)
  await host.ok('croft create web tiny:1 --wait=stable')
  assert.equal(await host.ok('croft exec web -- hostname'), 'web')
  init = await initOf(1)
})

/** What the edge of the host says to a visitor. */
const visit = (host: string) =>
  `bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; printf "GET / HTTP/1.0\\r\\nHost: ${host}\\r\\n\\r\\n" >&3; head -1 <&3'`
const served = () => host.ok(`until ${visit('shop.example.org')} 2>/dev/null | grep ' 301'; do sleep 0.2; done`, 60_000)
const edgePid = () => host.ok('systemctl show -P MainPID croft-edge')

test('a route is served by a unit of its own, which neither daemon nor croft needs to live', async () => {
  await host.ok('croft route add shop.example.org redirect=https://elsewhere.example.org https=off')
  await served()
  assert.equal(await host.ok('systemctl is-active croft-edge; systemctl is-enabled croft-edge'), 'active\nenabled')
  const pid = await edgePid()
  assert.equal(await host.ok(`cat /proc/${pid}/comm`), 'haproxy')
  await host.ok('croft route add more.example.org redirect=https://elsewhere.example.org https=off')
  await host.ok(`${visit('more.example.org')} | grep ' 301'`)
  await host.ok('systemctl restart croft')
  await host.ok('croft exec web -- hostname')
  assert.equal(await edgePid(), pid, 'new routes and a new daemon are no new edge')
  await host.ok('systemctl stop croft')
  await host.ok(`kill -9 ${pid}`)
  await served()
  assert.notEqual(await edgePid(), pid)
  await host.ok('systemctl start croft')
  assert.match(await host.ok('until croft route logs shop.example.org | grep 301; do sleep 0.2; done', 60_000), /301/)
})

test('the group croft may read, and nothing else; others are told how they may', async () => {
  const as = (who: string, words: string) =>
    host.sh(`HOME=/nonexistent setpriv --reuid nobody --regid nogroup ${who} croft ${words} 2>&1`)
  const member = '--groups "$(getent group croft | cut -d: -f3)"'
  assert.match((await as(member, 'ls -o csv -c name,state')).stdout, /web,running/)
  assert.match((await as(member, 'stop web')).stdout, /may not use a guest/)
  const other = await as('--clear-groups', 'ls')
  assert.equal(other.code, 4)
  assert.match(other.stdout, /you may not use .run.croft.read.sock[\s\S]*adduser NAME croft/)
})

test('an upgrade restarts the daemon alone, and leaves the store as it was beside the new one', async () => {
  await install('next')
  assert.equal(await version(), '0.2.0')
  assert.equal(await initOf(1), init)
  assert.match(await host.ok('ls /var/lib/croft/store/copies/0.1.0'), /croft\.db/)
  await host.ok('croft set web label.since=upgrade')
})

test('the old version comes back, and with the copy what it knew', async () => {
  await install('old')
  assert.equal(await version(), '0.1.0')
  assert.match(await host.ok('croft show web -o json'), /upgrade/)
  await host.ok(
    'systemctl stop croft && cd /var/lib/croft/store && rm croft.db* && cp copies/0.1.0/croft.db* . && systemctl start croft',
  )
  assert.doesNotMatch(await host.ok('croft show web -o json'), /upgrade/)
  assert.equal(await initOf(1), init)
})

test('the host shuts down: guests are asked to, whether the daemon lives or not, and are back with it', async () => {
  for (const daemon of ['systemctl restart croft croft-guests', 'systemctl disable --now croft']) {
    await host.ok(daemon)
    assert.equal(await initOf(1), init, 'nothing but the end of the host is an end of guests')
    await host.reboot()
    // Without a daemon as well: the edge serves by the files that it was told last.
    await served()
    await host.ok('systemctl enable --now croft')
    // Right after the boot its status is that of before.
    await host.ok(
      'until croft exec web hostname && croft ls -o csv -c name,state | grep -q web,running; do sleep 0.2; done',
      60_000,
    )
    init = await initOf(1)
    assert.equal(await host.ok('croft exec web -- sh -c "cat /srv/asked; : >/srv/asked"'), 'asked', daemon)
  }
})

test('removed, it leaves guests running; installed again, it has them', async () => {
  await host.ok('apt-get remove -y croft')
  await host.ok(`kill -0 ${init}`)
  await install('next')
  assert.equal(await host.ok('croft ls -o csv -c name,state'), 'name,state\r\nweb,running')
  assert.equal(await initOf(1), init)
})

test('purged, the host is as before, also one that was a host of several', async () => {
  await host.ok(
    '(setsid etcd --data-dir /var/lib/croft/members/data >/dev/null 2>&1 &) ; ip link add mesh0 type veth peer name mesh0peer',
  )
  await host.ok('ip link set mesh0 up; ip route add 10.15.77.0/24 dev mesh0 proto 203; sleep 1; pgrep -f data-dir')
  await host.ok('apt-get purge -y croft')
  assert.notEqual((await host.sh(`kill -0 ${init}`)).code, 0)
  const [was, is] = [new Set(before.split('\n')), new Set((await picture()).split('\n'))]
  assert.deepEqual({ gone: [...was.difference(is)], left: [...is.difference(was)] }, { gone: [], left: [] })
})

test('an etcd that comes along with croft stays off, until croft is purged', async () => {
  const etcd = async () =>
    (await host.sh('systemctl is-enabled etcd; systemctl is-active etcd')).stdout.trim().split('\n')
  assert.deepEqual(await etcd(), ['enabled', 'active'], 'one that was there before is left alone')
  // As apt leaves it to croft: on the disk, and not yet set up.
  await host.ok("sed -i '/^Package: etcd-server$/,/^$/s/^Status: .*/Status: install ok unpacked/' /var/lib/dpkg/status")
  await install('next')
  assert.deepEqual(await etcd(), ['disabled', 'inactive'])
  await host.ok('apt-get purge -y croft')
  assert.equal((await etcd())[0], 'enabled')
})
