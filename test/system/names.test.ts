/** Names inside the farm, as guests and the host ask for them. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Finding } from '../../src/api/resources.ts'
import { readUpstream } from '../../src/daemon/hostprep/resolver.ts'
import { at, useFarm } from './farm.ts'
import { show } from './guests.ts'

const farm = await useFarm()
await serveOutside()

/** Somebody who knows `seen.example.org`, at the address where this machine's own server is. */
async function serveOutside(): Promise<void> {
  const [server = ''] = (await readUpstream()).servers
  const place = server.startsWith('127.') ? 'host' : 'outside'
  await farm[place]({ file: 'ip', args: ['address', 'replace', `${server}/32`, 'dev', 'lo'] })
  const listen = [
    `--listen-address=${server}`,
    '--bind-interfaces',
    '--no-resolv',
    '--no-hosts',
    '--conf-file=/dev/null',
  ]
  const known = [
    '--address=/example.org/203.0.113.80',
    '--address=/internal/203.0.113.66',
    '--user=root',
    '--pid-file=',
  ]
  farm.background(place, { file: 'dnsmasq', args: ['--keep-in-foreground', ...listen, ...known] })
}

const create = (name: string) => farm.croftOk('create', name, 'debian:12')
/** The first word of what the guest's own resolver found; empty when it found nothing. */
const asked = async (guest: string, what: 'ahostsv4' | 'ahostsv6' | 'hosts', question: string): Promise<string> => {
  const said = await farm.croft('exec', guest, '--', 'getent', what, question)
  assert.ok([0, 2].includes(said.code ?? -1), said.stderr)
  return said.stdout.split(/\s+/)[what === 'hosts' ? 1 : 0] ?? ''
}
const address = (guest: string, name: string) => asked(guest, 'ahostsv4', name)
/** The host's side, without the daemon. */
const hostAsks = async (name: string): Promise<string> =>
  (await farm.host({ file: 'busybox', args: ['nslookup', '-type=a', name, '169.254.0.1'] })).stdout.split('Name:')[1] ??
  ''

test('guests and the host have names and addresses have names, on every guest and on the host', async () => {
  await Promise.all([create('web'), create('near')])
  const { ipv4, ipv6 } = await show(farm, 'web')
  assert.equal(await address('near', 'web.meadow.internal'), ipv4)
  assert.equal(await address('near', 'web'), ipv4, 'the farm is searched')
  assert.equal(await asked('near', 'ahostsv6', 'web'), ipv6)
  for (const question of [ipv4, ipv6]) assert.equal(await asked('near', 'hosts', question), 'web.meadow.internal')
  assert.equal(await address('near', 'ash'), at.host.v4)
  assert.equal(await asked('near', 'ahostsv6', 'ash'), at.host.v6)
  assert.equal(await asked('near', 'hosts', at.host.v4), 'ash.meadow.internal')
  assert.match(await hostAsks('near.meadow.internal'), new RegExp((await show(farm, 'near')).ipv4))
  assert.equal(await address('near', 'nobody.meadow.internal'), '')
  assert.equal(await address('near', 'nobody.elsewhere.internal'), '', '.internal never leaves')
  assert.equal(await address('near', 'seen.example.org'), '203.0.113.80')
})

test('a new name is there at once and the old one is not; what is removed has none; a host keeps its name', async () => {
  await Promise.all([create('web'), create('near')])
  const { ipv4 } = await show(farm, 'web')
  await farm.croftOk('rename', 'web', 'shop')
  assert.match(await hostAsks('shop.meadow.internal'), new RegExp(ipv4))
  assert.equal(await hostAsks('web.meadow.internal'), '')
  assert.equal(await asked('near', 'hosts', ipv4), 'shop.meadow.internal')
  await farm.croftOk('rm', 'shop', '-y')
  await farm.waitFor(async () => (await hostAsks('shop.meadow.internal')) === '', 10_000, 'the name to go')
  for (const words of [
    ['create', 'ash', 'debian:12'],
    ['rename', 'near', 'ash'],
    ['clone', 'near', 'ash'],
  ]) {
    const refused = await farm.croft(...words)
    assert.equal(refused.code, 5, words.join(' '))
    assert.match(refused.stderr, /"ash" is the name of a host/)
  }
})

test('a list of ways out leaves the names of the farm, and no other; a deny leaves none', async () => {
  await Promise.all([create('web'), create('near')])
  const { ipv4 } = await show(farm, 'near')
  const said = await farm.croft('allow', 'web', 'to', '203.0.113.0/24', 'tcp/443')
  assert.match(said.stderr, /croft allow web to 169\.254\.0\.1 udp\/53/)
  assert.equal(await address('web', 'near'), ipv4)
  assert.equal(await address('web', 'seen.example.org'), '', 'a question is a way out too')
  assert.equal(await address('near', 'seen.example.org'), '203.0.113.80')
  await farm.croftOk('allow', 'web', 'to', '169.254.0.1', 'udp/53')
  assert.equal(await address('web', 'seen.example.org'), '203.0.113.80')
  await farm.croftOk('allow', 'web', '--rm', '--all')
  await farm.croftOk('deny', 'web', 'to', '169.254.0.1')
  await farm.inGuest('web', 'sed', '-i', '1aoptions timeout:1 attempts:1', '/etc/resolv.conf')
  assert.equal(await address('web', 'near'), '')
})

test('a resolv.conf that is a link into nowhere becomes the farm’s at the next start', async () => {
  await create('web')
  await farm.inGuest('web', 'ln', '-sf', '/run/systemd/resolve/stub-resolv.conf', '/etc/resolv.conf')
  await farm.croftOk('restart', 'web')
  assert.match(
    await farm.inGuest('web', 'cat', '/etc/resolv.conf'),
    /^nameserver 169\.254\.0\.1\nsearch meadow\.internal$/m,
  )
})

test('names go on while the daemon is dead; a dead server comes back, and the doctor says which', async () => {
  await Promise.all([create('web'), create('near')])
  const { number } = await show(farm, 'near')
  const { ipv4 } = await show(farm, 'web')
  await farm.stopDaemon('SIGKILL')
  const inside = await farm.host({
    file: 'lxc-attach',
    args: ['-P', join(farm.stateDir, 'lxc'), '-n', String(number), '--', 'getent', 'hosts', 'web.meadow.internal'],
  })
  assert.match(inside.stdout, /web\.meadow\.internal/, inside.stderr)
  await farm.startDaemon()
  assert.match(await hostAsks('web.meadow.internal'), new RegExp(ipv4))
  // The daemon that has just begun may bring it back before the doctor looks: then once more.
  await farm.waitFor(async () => {
    await killServer()
    const findings = JSON.parse((await farm.croft('doctor', '--json')).stdout) as Finding[]
    return /port 53: nothing answers/.test(findings.find(({ check }) => check === 'names')?.evidence ?? '')
  })
  await farm.croftOk('host', 'apply')
  await farm.waitFor(async () => (await hostAsks('web.meadow.internal')).includes(ipv4), 30_000, 'the server')
})

async function killServer(): Promise<void> {
  const pid = Number(readFileSync(join(farm.stateDir, 'names', 'open.pid'), 'utf8'))
  if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
  await farm.waitFor(() => !existsSync(`/proc/${pid}`))
}
