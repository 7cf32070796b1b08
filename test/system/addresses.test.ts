/** Public addresses, and what of a guest's link can be set: real guests, a real host, and a world outside that routes to it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { AddressView } from '../../src/api/guest.ts'
import { consoleOf, wordsOf } from '../console.ts'
import { at, useFarm } from './farm.ts'
import { get, outside4, outside6, serve, serveOutside, show } from './guests.ts'

const farm = await useFarm()
await serveOutside(farm, 80)

const create = (name: string, ...words: string[]) => farm.croftOk('create', name, 'debian:12', ...words)
const asGuest = (to: string) => get(farm, { guest: 'web' }, to)
const linkOf = async (name: string) => `croft${(await show(farm, name)).number}`
/** Routed to the host, like all the outside does not know. */
const far = { v4: '203.0.113.5', v6: '2001:db8:77::5' }
/** In the outside's own network: somebody must answer for it there. */
const near = { v4: '198.51.100.50', v6: '2001:db8:51::50' }

test('a public address is the guest’s at once: it sends from it, is reached as rules say, and nobody else may have it', async () => {
  await Promise.all([create('web'), create('other')])
  await serve(farm, 'web', 80)
  assert.equal(await asGuest(outside6), `outside sees ${at.host.v6}`, 'IPv6 is usable when the guest runs')
  const said = await farm.croft('address', 'add', 'web', far.v4, '2001:DB8:77:0::5')
  assert.equal(said.code, 0, said.stderr)
  assert.match(said.stderr, /nothing comes in yet: croft allow web/)
  assert.equal(await get(farm, 'outside', far.v4, 0.5), undefined, 'closed before a rule allows it')
  await farm.croftOk('allow', 'web', 'from', 'any', 'tcp/80')
  const all = async () => {
    assert.equal(await get(farm, 'outside', far.v4), `web sees ${at.outside.v4}`)
    assert.equal(await get(farm, 'outside', `[${far.v6}]`), `web sees ${at.outside.v6}`)
    assert.equal(await asGuest(outside4), `outside sees ${far.v4}`, 'it goes out with it')
    assert.equal(await asGuest(outside6), `outside sees ${far.v6}`)
  }
  await all()
  await farm.croftOk('restart', 'web')
  await serve(farm, 'web', 80)
  await all()
  assert.match(await farm.croftOk('show', 'web'), /203\.0\.113\.5 2001:db8:77::5/)
  for (const [words, code] of [
    [['add', 'other', far.v4], 5],
    [['add', 'other', '2001:db8:77:0:0::5'], 5],
    [['add', 'other', at.host.v4], 5],
    [['add', 'other', at.outside.v4], 5],
    [['add', 'other', '10.100.0.200'], 4],
    [['add', 'other', '127.0.0.2'], 2],
    [['add', 'other', '203.0.113.0/24'], 2],
    [['add', 'other', '-v'], 2],
    [['rm', '203.0.113.99'], 3],
  ] as const)
    assert.equal((await farm.croft('address', ...words)).code, code, words.join(' '))
  const listed = await farm.json<AddressView[]>('address', 'ls')
  assert.deepEqual(
    listed.map(({ guest, address }) => `${guest} ${address}`),
    [`web ${far.v4}`, `web ${far.v6}`],
  )
  await farm.croftOk('address', 'rm', far.v4, far.v6)
  assert.equal(await asGuest(outside4), `outside sees ${at.host.v4}`)
  assert.equal(await get(farm, 'outside', far.v4, 0.5), undefined)
  assert.doesNotMatch(await farm.inGuest('web', 'ip', 'address'), /203\.0\.113\.5|2001:db8:77/)
  const race = await Promise.all(['web', 'other'].map((name) => farm.croft('address', 'add', name, far.v4)))
  assert.deepEqual(race.map(({ code }) => code).sort(), [0, 5], 'one of two gets it')
  await farm.croft('address', 'rm', far.v4)
  await farm.croftOk('address', 'add', 'other', far.v4)
  await farm.croftOk('rm', 'other', '-y')
  assert.deepEqual(await farm.json('address', 'ls'), [], 'a removed guest keeps none')
})

test('an address of the outside’s own network is answered for when it is announced, and no longer', async () => {
  await create('web')
  await serve(farm, 'web', 80)
  await farm.croftOk('allow', 'web', 'from', 'any', 'tcp/80')
  await farm.croftOk('address', 'add', 'web', near.v4, near.v6)
  assert.equal(await get(farm, 'outside', near.v4, 0.5), undefined, 'nobody answers for it')
  await farm.croftOk('address', 'add', 'web', near.v4, near.v6, '--announce')
  const reached = async (to: string) => (await get(farm, 'outside', to, 3)) !== undefined
  await farm.waitFor(() => reached(near.v4), 20_000, 'the announced address')
  await farm.waitFor(() => reached(`[${near.v6}]`), 20_000, 'the announced IPv6 address')
  await farm.restartDaemon({ kill: 'SIGKILL' })
  await farm.croftOk('address', 'rm', near.v4)
  const proxies = async () => (await farm.host({ file: 'ip', args: ['neighbour', 'show', 'proxy'] })).stdout
  assert.doesNotMatch(await proxies(), /198\.51\.100\.50/)
  assert.match(await proxies(), /2001:db8:51::50/)
  await farm.croftOk('rm', 'web', '-y')
  await farm.waitFor(async () => (await proxies()) === '', 10_000, 'the host to stop answering')
})

test('packet size and rates hold on both ends, from the start and live', async () => {
  await create('web', 'mtu=1300')
  const link = await linkOf('web')
  const mtus = async () => {
    const host = await farm.host({ file: 'ip', args: ['link', 'show', link] })
    return [host.stdout, await farm.inGuest('web', 'ip', 'link', 'show', 'eth0')].map(
      (text) => /mtu (\d+)/.exec(text)?.[1],
    )
  }
  assert.deepEqual(await mtus(), ['1300', '1300'])
  await farm.croftOk('set', 'web', 'mtu=1400')
  assert.deepEqual(await mtus(), ['1400', '1400'])
  assert.equal((await farm.croft('set', 'web', 'mtu=1000')).code, 2)

  await farm.croftOk('allow', 'web', 'from', at.outside.v4)
  assert.equal(await sent('web', outside4), 'all')
  assert.equal(await sent('outside', (await show(farm, 'web')).ipv4), 'all')
  await farm.croftOk('set', 'web', 'net-rate-out=64K')
  assert.equal(await sent('web', outside4), 'less than half')
  assert.equal(await sent('outside', (await show(farm, 'web')).ipv4), 'all', 'the other way is free')
  await farm.croftOk('set', 'web', 'net-rate-out=', 'net-rate-in=64K')
  assert.equal(await sent('web', outside4), 'all')
  assert.equal(await sent('outside', (await show(farm, 'web')).ipv4), 'less than half')
})

/** 4 MB in datagrams as fast as they go, counted where the host hands them on. */
async function sent(from: 'web' | 'outside', to: string): Promise<'all' | 'less than half' | 'more'> {
  const device = from === 'web' ? 'up0' : await linkOf('web')
  const nft = (stdin: string) => farm.host({ file: 'nft', args: ['-f', '-'], stdin })
  const rule = `type filter hook postrouting priority 400; oifname "${device}" udp dport 9 counter`
  const made = await nft(`table inet counted { chain c { ${rule}\n }\n}\n`)
  assert.equal(made.code, 0, made.stderr)
  const program = `use IO::Socket::INET; my $s = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '${to}', PeerPort => 9) or die;
    for (1 .. 4000) { send($s, 'x' x 1000, 0); select(undef, undef, undef, 0.005) unless $_ % 100 }`
  const args = ['-e', program]
  const said =
    from === 'web' ? await farm.croft('exec', 'web', '--', 'perl', ...args) : await farm.outside({ file: 'perl', args })
  assert.equal(said.code, 0, said.stderr)
  const { stdout } = await farm.host({ file: 'nft', args: ['list', 'table', 'inet', 'counted'] })
  const packets = Number(/packets (\d+)/.exec(stdout)?.[1])
  assert.equal((await nft('delete table inet counted\n')).code, 0)
  return packets > 3900 ? 'all' : packets < 2000 ? 'less than half' : 'more'
}

const ip = (...args: string[]) => ({ file: 'ip', args, timeoutMs: 10_000 })

test('a guest of a VLAN network: its way in and out is that network’s; who has the address already keeps it', async () => {
  // Tagged links want a kernel that has 802.1q: all but the tag is real.
  const env = { CROFT_VLAN_LINK: 'macvlan' }
  await farm.restartDaemon({ env })
  const wire = ['lan0', 'type', 'veth', 'peer', 'name', 'lan1', 'netns', farm.namespaces.outside]
  await farm.host(ip('link', 'add', ...wire))
  await farm.host(ip('link', 'set', 'lan0', 'up'))
  await farm.outside(ip('link', 'set', 'lan1', 'up'))
  for (const address of ['192.0.2.1/24', '192.0.2.16/24', '2001:db8:20::1/64'])
    await farm.outside(ip('address', 'add', address, 'dev', 'lan1', ...(address.includes(':') ? ['nodad'] : [])))
  const said = await farm.croftOk(
    ...[
      'network',
      'create',
      'office',
      'vlan=20',
      'subnet=192.0.2.0/24,2001:db8:20::/64',
      'gateway=192.0.2.1,2001:db8:20::1',
    ],
    ...['mtu=1400', 'uplink=lan0'],
  )
  assert.match(said, /office: VLAN 20 on lan0, 192\.0\.2\.0\/24, 2001:db8:20::\/64, by 192\.0\.2\.1/)
  await Promise.all([create('web', '--network', 'office'), create('other')])
  const { spec } = await show(farm, 'web')
  assert.deepEqual(
    spec.addresses?.map(({ address, network }) => `${network} ${address}`),
    ['office 192.0.2.2', 'office 2001:db8:20::2'],
  )
  await serve(farm, 'web', 80)
  assert.equal(await get(farm, 'outside', '192.0.2.2', 0.5), undefined, 'closed before a rule allows it')
  await farm.croftOk('allow', 'web', 'from', 'any', 'tcp/80')
  assert.equal(await get(farm, 'outside', '192.0.2.2'), 'web sees 192.0.2.1')
  assert.equal(await get(farm, 'outside', '[2001:db8:20::2]'), 'web sees 2001:db8:20::1')
  assert.equal(await asGuest('192.0.2.1'), 'outside sees 192.0.2.2')
  assert.equal(await asGuest(outside4), `outside sees ${at.host.v4}`, 'elsewhere it goes as it did')
  assert.match(
    await farm.croftOk('network', 'check'),
    /network:office +ok|lan0\.20 up, mtu 1400; answers for 192\.0\.2\.2/,
  )
  for (const [words, code] of [
    [['attach', 'office', 'other', '192.0.2.2'], 5],
    [['attach', 'office', 'other', '192.0.2.1'], 5],
    [['attach', 'office', 'other', '198.51.100.7'], 2],
    [['attach', 'nowhere', 'other'], 3],
    [['create', 'office', 'vlan=21', 'subnet=203.0.113.0/24', 'uplink=lan0'], 5],
    [['create', 'lab', 'vlan=20', 'subnet=203.0.113.0/24', 'uplink=lan0'], 5],
    [['create', 'lab', 'vlan=21', 'subnet=192.0.2.128/25', 'uplink=lan0'], 5],
    [['create', 'lab', 'vlan=21', 'subnet=10.100.4.0/24', 'uplink=lan0'], 5],
    [['create', 'lab', 'vlan=4095', 'subnet=203.0.113.0/24', 'uplink=lan0'], 2],
    [['create', 'lab', 'vlan=21', 'subnet=203.0.113.0/24', 'uplink=lan0;id'], 2],
    [['set', 'office', 'subnet=203.0.113.0/24', 'gateway=none'], 2],
    [['rm', 'office', '-y'], 5],
  ] as const)
    assert.equal((await farm.croft('network', ...words)).code, code, words.join(' '))
  assert.equal((await farm.croft('address', 'add', 'other', '192.0.2.77')).code, 4)

  const taken = await farm.croft('create', 'third', 'debian:12', '--network', 'office:192.0.2.16')
  assert.notEqual(taken.code, 0)
  assert.match(taken.stderr, /192\.0\.2\.16 answers on network office: somebody has it/)
  await farm.croftOk('rm', 'third', '-y')

  await farm.croftOk('network', 'attach', 'office', 'other', '192.0.2.30')
  await serve(farm, 'other', 80)
  await farm.croftOk('allow', 'other', 'from', 'any', 'tcp/80')
  assert.equal(await get(farm, 'outside', '192.0.2.30'), 'other sees 192.0.2.1', 'live')
  await farm.restartDaemon({ kill: 'SIGKILL', env })
  await farm.croftOk('network', 'detach', 'office', 'other')
  assert.equal(await get(farm, 'outside', '192.0.2.2'), 'web sees 192.0.2.1', 'over the daemon’s death')
  await farm.croftOk('rm', 'web', '-y')
  await farm.waitFor(async () => !(await farm.host(ip('link', 'show'))).stdout.includes('lan0.20'))
  assert.doesNotMatch((await farm.host(ip('rule', 'show'))).stdout, /lan0|192\.0\.2/)
  await farm.croftOk('network', 'rm', 'office', '-y')
  // docs/guides/vlan-networks.md as it is written, but for the name of the device.
  await farm.croftOk('rename', 'other', 'web')
  const commands = consoleOf(readFileSync(new URL('../../docs/guides/vlan-networks.md', import.meta.url), 'utf8'))
  assert.ok(commands.length >= 10)
  for (const { line } of commands) {
    const told = await farm.croft(...wordsOf(line.replace('eth1', 'lan0')).slice(1))
    assert.equal(told.code, 0, `${line}: ${told.stderr}`)
  }
  await farm.host(ip('link', 'delete', 'lan0'))
})
