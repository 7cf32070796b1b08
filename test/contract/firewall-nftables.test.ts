/** The kernel's filter in network namespaces, with real packets. Needs root. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { findForeignDrops } from '../../src/drivers/firewall/nftables/foreign.ts'
import { createNftables } from '../../src/drivers/firewall/nftables/index.ts'
import { cloudAddresses } from '../../src/plan/addresses.ts'
import { firewallContract, modelOf, rule, type Try, type World } from './firewall.ts'
import { at, type Bench, logEverywhere, openBench, type Place } from './firewall-bench.ts'

let bench: Bench
let world: World
const ports = [68, 80, 81, 82, 546, 8080]

before(async () => {
  bench = await openBench()
  for (const place of ['one', 'two', 'outside', 'beyond', 'host'] as const)
    await bench.ask(place, 'listen', place === 'host' ? [53, 80, 81, 5300] : ports)
  world = {
    firewall: createNftables({ run: bench.runner() }),
    reach,
    wipe: () => nft('delete table inet croft').then(() => {}),
  }
})
after(() => bench[Symbol.asyncDispose]())

firewallContract('nftables', () => world)

const nft = (script: string): Promise<string> =>
  bench.runner().run({ file: 'nft', args: ['-f', '-'], stdin: script, timeoutMs: 10_000 })
const listing = (...args: string[]): Promise<string> =>
  bench.runner().run({ file: 'nft', args: ['list', ...args], timeoutMs: 10_000 })

const long = 5_000
const short = 300

/** Services say who they took their client for; where one ended is told by asking the place itself. */
async function reach({ from, to, protocol = 'tcp', port = 0 }: Try, expected: Place | undefined) {
  const waitMs = expected ? long : short
  if (protocol === 'echo') {
    const answer = await bench.ask(from, 'raw', [to.includes(':') ? 'ping6' : 'ping4', to, String(waitMs)])
    return answer === 'yes' ? placeOf(to) : undefined
  }
  const answer = await bench.ask(from, 'attempt', { protocol, to, port, waitMs })
  return answer?.split(' ')[1] as Place | undefined
}

const placeOf = (address: string): Place | undefined =>
  (Object.keys(at) as Place[]).find((place) => Object.values<string>(at[place]).includes(address))

const isolated = () => world.firewall.reconcile(modelOf({ one: {}, two: {} }))

/** The trick must work where no rules stand, or the test would prove nothing; with rules it must not. */
async function onlyWithoutRules(what: string, trick: () => Promise<boolean>): Promise<void> {
  await world.firewall.destroy()
  let worked = false
  for (let i = 0; i < 10 && !worked; i += 1) worked = await trick()
  assert.ok(worked, `${what}: without rules`)
  await isolated()
  assert.equal(await trick(), false, `${what}: with rules`)
}

/** Whether a datagram of guest one, from that address, comes to the place. */
async function arrives(place: Place, to: string, port: number, source?: string, sourcePort?: number): Promise<boolean> {
  await bench.ask(place, 'takeReceived')
  const own = { ...(source ? { source } : {}), ...(sourcePort ? { sourcePort } : {}) }
  await bench.ask('one', 'attempt', { protocol: 'udp', to, port, waitMs: short, ...own })
  return (await bench.ask(place, 'takeReceived')) > 0
}

test('nftables: nobody sends as somebody else, IPv4 and IPv6', async () => {
  for (const source of [at.two.v4, '203.0.113.5', at.two.v6, '2001:db8:9::5']) {
    const [bits, family] = source.includes(':') ? ['128', 'v6' as const] : ['32', 'v4' as const]
    await bench.ip('one', 'address', 'add', `${source}/${bits}`, 'dev', 'eth0', ...(family === 'v6' ? ['nodad'] : []))
    await onlyWithoutRules(`source ${source}`, () => arrives('outside', at.outside[family], 80, source))
    await bench.ip('one', 'address', 'delete', `${source}/${bits}`, 'dev', 'eth0')
  }
})

test('nftables: who is no guest of ours does not reach the name servers, and what guests ask is no drift', async () => {
  await bench.ip('outside', 'route', 'add', '169.254.0.1/32', 'via', at.host.v4)
  const asks = async (from: Place) =>
    (await reach({ from, to: '169.254.0.1', protocol: 'udp', port: 53 }, 'host')) === 'host'
  await onlyWithoutRules('from outside', () => asks('outside'))
  assert.equal(await asks('one'), true)
  assert.equal(await asks('host'), true)
  assert.equal(await world.firewall.intact(), true)
  await bench.ip('outside', 'route', 'delete', '169.254.0.1/32')
})

test('nftables: what a cloud tells the host alone is for no guest, but one whose list names it', async () => {
  const all = ['169.254.169.254', ...cloudAddresses.v4.slice(1), ...cloudAddresses.v6]
  for (const to of all) {
    const via = to.includes(':') ? at.outside.v6 : at.outside.v4
    await bench.ip('outside', 'address', 'add', to, 'dev', 'lo')
    await bench.ip('host', 'route', 'add', to, 'via', via)
    const gets = (expected?: Place) => reach({ from: 'one', to, protocol: 'tcp', port: 80 }, expected)
    await onlyWithoutRules(to, async () => (await gets()) === 'outside')
    await world.firewall.reconcile(modelOf({ one: { rules: [rule(`allow out ${to} tcp/80`)] }, two: {} }))
    assert.equal(await gets('outside'), 'outside', `${to}, listed`)
    await world.firewall.reconcile(modelOf({ one: { rules: [rule('allow out 192.0.2.0/24 any')] }, two: {} }))
    assert.equal(await gets(), undefined, `${to}, another listed`)
    await bench.ip('host', 'route', 'delete', to)
    await bench.ip('outside', 'address', 'delete', to, 'dev', 'lo')
  }
})

test('nftables: a guest that floods the name servers is held back, others are not', async () => {
  await isolated()
  const dropped = async () => /names_rate .*packets (\d+)/.exec(await listing('chain', 'inet', 'croft', 'names'))?.[1]
  await bench.ask('one', 'flood', { to: '169.254.0.1', port: 53, size: 32, count: 5000 })
  assert.ok(Number(await dropped()) > 0)
  assert.equal(await reach({ from: 'two', to: '169.254.0.1', protocol: 'udp', port: 53 }, 'host'), 'host')
})

test('nftables: a lie about addresses does not reach the neighbour table', async () => {
  const known = async (address: string) => {
    const lines = await bench.ip('host', 'neighbour', 'show', 'dev', 'croft1')
    await bench.ip('host', 'neighbour', 'flush', 'dev', 'croft1')
    return lines.includes(`${address} lladdr`)
  }
  await bench.ip('one', 'address', 'add', '10.100.0.77/32', 'dev', 'eth0')
  await onlyWithoutRules('ARP', async () => {
    await bench.ip('one', 'neighbour', 'flush', 'dev', 'eth0')
    await bench.ask('one', 'attempt', {
      protocol: 'udp',
      to: '169.254.0.1',
      port: 9,
      source: '10.100.0.77',
      waitMs: short,
    })
    return known('10.100.0.77')
  })
  await bench.ip('one', 'address', 'delete', '10.100.0.77/32', 'dev', 'eth0')
  for (const address of ['fd12:3456::77', 'fe80::77']) {
    await bench.ip('one', 'address', 'add', `${address}/128`, 'dev', 'eth0', 'nodad')
    await onlyWithoutRules(`ND of ${address}`, async () => {
      await bench.ask('one', 'raw', ['neighbour', 'eth0', address, 'fe80::1'])
      return known(address)
    })
    await bench.ip('one', 'address', 'delete', `${address}/128`, 'dev', 'eth0')
  }
  await bench.ask('one', 'raw', ['neighbour', 'eth0', at.one.v6, 'fe80::1'])
  assert.equal(await known(at.one.v6), true, 'the guest is known by its own address')
})

test('nftables: a guest is no router and no DHCP server', async () => {
  await bench.ask('host', 'set', { path: 'net/ipv6/conf/croft1/accept_ra', value: '2' })
  await bench.ip('one', 'address', 'replace', 'fe80::99/128', 'dev', 'eth0', 'nodad')
  await onlyWithoutRules('RA', async () => {
    await bench.ask('one', 'raw', ['advertise', 'eth0', 'fe80::99'])
    await setTimeout(short)
    const routes = await bench.ip('host', '-6', 'route', 'show', 'default')
    await bench.runner().outcome({ file: 'ip', args: ['-6', 'route', 'delete', 'default'], timeoutMs: 5_000 })
    return routes.includes('croft1')
  })
  await bench.ask('host', 'set', { path: 'net/ipv6/conf/croft1/accept_ra', value: '0' })
  await onlyWithoutRules('DHCP', () => arrives('outside', at.outside.v4, 68, undefined, 67))
  await onlyWithoutRules('DHCPv6', () => arrives('outside', at.outside.v6, 546, undefined, 547))
})

test("nftables: the host's loopback is out of reach, though its own way to published ports is open", async () => {
  await bench.ask('one', 'set', { path: 'net/ipv4/conf/eth0/route_localnet', value: '1' })
  await bench.ip('one', 'route', 'delete', 'local', '127.0.0.1', 'dev', 'lo', 'table', 'local')
  await bench.ip('one', 'route', 'delete', 'local', '127.0.0.0/8', 'dev', 'lo', 'table', 'local')
  await bench.ip('one', 'route', 'add', '127.0.0.1', 'via', '169.254.0.1', 'dev', 'eth0', 'src', at.one.v4)
  await onlyWithoutRules('127.0.0.1', () => arrives('host', '127.0.0.1', 80, at.one.v4))
})

/** What the service says that it saw as its client. */
async function seenBy(from: Place, to: string, port: number): Promise<string | undefined> {
  const answer = await bench.ask(from, 'attempt', { protocol: 'tcp', to, port, waitMs: long })
  return answer?.split(' ')[0]
}

test('nftables: guests leave by the address of the host, and meet each other and their clients by their own', async () => {
  const door = { protocol: 'tcp', hostPort: 8080, guestPort: 80 } as const
  await world.firewall.reconcile(modelOf({ one: { rules: ['allow in two any'], ports: [door] }, two: {} }))
  assert.equal(await seenBy('one', at.outside.v4, 80), at.host.v4)
  assert.equal(await seenBy('one', at.outside.v6, 80), at.host.v6)
  assert.equal(await seenBy('two', at.one.v4, 80), at.two.v4)
  assert.equal(await seenBy('outside', at.host.v4, 8080), at.outside.v4)
  assert.equal(await seenBy('outside', at.host.v6, 8080), at.outside.v6)
  assert.equal(await seenBy('host', '127.0.0.1', 8080), '169.254.0.1')
  assert.notEqual(await seenBy('one', at.host.v4, 8080), at.one.v4)
})

test('nftables: a rule with log says what it met', async () => {
  await using _ = await logEverywhere()
  const logs = async () => (await bench.runner().run({ file: 'dmesg', args: [], timeoutMs: 10_000 })).split('\n')
  const seen = async (start: string, port: number) =>
    (await logs()).some((line) => line.includes(start) && line.includes(`DPT=${port} `))
  const base = 20_000 + (process.pid % 10_000) * 3
  const rules = [
    rule(`deny in any tcp/${base}`, true),
    rule(`allow in any tcp/${base + 1}`, true),
    rule(`allow out any tcp/${base + 2}`, true),
    rule(`deny in any tcp/${base + 2}`),
  ]
  await world.firewall.reconcile(modelOf({ one: { rules }, two: {} }))
  const attempt = (from: Place, to: string, port: number) =>
    bench.ask(from, 'attempt', { protocol: 'tcp', to, port, waitMs: short })
  await attempt('two', at.one.v4, base)
  assert.equal(await attempt('two', at.one.v4, base + 1), 'refused')
  assert.equal(await attempt('one', at.outside.v4, base + 2), 'refused')
  await attempt('two', at.one.v4, base + 2)
  assert.equal(await seen('croft deny IN=croft2 OUT=croft1', base), true)
  assert.equal(await seen('croft allow IN=croft2 OUT=croft1', base + 1), true)
  assert.equal(await seen('croft allow IN=croft1', base + 2), true)
  assert.equal(await seen('croft deny', base + 2), false)
})

test('nftables: a rate holds each way', async () => {
  const sent = 10 * 4 * 10_000
  const load = async (from: Place, place: Place, to: string) => {
    await bench.ask(place, 'takeReceived')
    let bytes = 0
    // In small lots, which a socket's buffer holds.
    for (let i = 0; i < 10; i += 1) {
      await bench.ask(from, 'flood', { to, port: 81, size: 10_000, count: 4 })
      bytes += await bench.ask(place, 'takeReceived')
    }
    await setTimeout(100)
    return bytes + (await bench.ask(place, 'takeReceived'))
  }
  const rules = ['allow in any any']
  await world.firewall.reconcile(modelOf({ one: { rules }, two: {} }))
  assert.equal(await load('one', 'outside', at.outside.v4), sent)
  assert.equal(await load('outside', 'one', at.one.v4), sent)
  await world.firewall.reconcile(modelOf({ one: { rules, netRate: 10_000 }, two: {} }))
  assert.ok((await load('one', 'outside', at.outside.v4)) < sent * 0.75)
  assert.ok((await load('outside', 'one', at.one.v4)) < sent * 0.75)
  await world.firewall.reconcile(modelOf({ one: { rules, netRate: 10_000_000 }, two: {} }))
  assert.equal(await world.firewall.intact(), true)
  assert.equal(await load('one', 'outside', at.outside.v4), sent)
})

test('nftables: other tables stay as they are, and only ours go', async () => {
  await nft('add table inet theirs\nadd chain inet theirs forward\nadd rule inet theirs forward counter accept')
  const before = await listing('table', 'inet', 'theirs')
  await isolated()
  await world.firewall.reconcile(modelOf({ one: { rules: ['allow in any any'] } }))
  await world.firewall.destroy()
  await world.firewall.destroy()
  assert.equal(await listing('table', 'inet', 'theirs'), before)
  assert.equal((await listing('tables')).trim(), 'table inet theirs')
  await nft('delete table inet theirs')
})

test('nftables: a changed element, rule, set or limit is noticed and mended', async () => {
  const model = modelOf({ one: { rules: ['deny in any tcp/80'], netRate: 5_000 }, two: {} })
  const tampering = [
    'add element inet croft own4 { "croft2" . 10.100.0.9 }',
    'delete element inet croft own4 { "croft1" . 10.100.0.1 }',
    'delete element arp croft own { "croft1" . 10.100.0.1 }',
    'flush map inet croft deny_in_port4',
    'insert rule inet croft guests accept',
    'add chain inet croft extra { type filter hook forward priority -1; policy accept; }',
    'add set inet croft extra { type ipv4_addr; }',
    'flush chain arp croft from_guest',
    'flush ruleset',
  ]
  for (const script of tampering) {
    await world.firewall.reconcile(model)
    assert.equal(await world.firewall.intact(), true, script)
    await nft(script)
    assert.equal(await world.firewall.intact(), false, script)
  }
  for (const script of tampering) {
    await world.firewall.reconcile(model)
    await nft(script)
    // Unasked too: neither the same wish nor another is laid over rules that are not ours any more.
    await world.firewall.reconcile(model)
    assert.equal(await world.firewall.intact(), true, script)
  }
  await nft('delete element inet croft own4 { "croft1" . 10.100.0.1 }')
  await world.firewall.reconcile(modelOf({ two: {} }))
  assert.equal(await world.firewall.intact(), true, 'an element to take away was gone: everything anew')
})

test('nftables: a change of one guest leaves the counters of the others', async () => {
  const one = { rules: ['allow in any tcp/80'] }
  await world.firewall.reconcile(modelOf({ one, two: {} }))
  assert.equal(await seenBy('two', at.one.v4, 80), at.two.v4)
  await world.firewall.reconcile(
    modelOf({ one, two: { rules: ['allow in any udp', 'allow out any any'], netRate: 9_000 } }),
  )
  assert.equal(await world.firewall.intact(), true)
  assert.deepEqual((await world.firewall.counters()).get('1/0'), 1)
})

test('nftables: no packet slips through while rules are replaced', async () => {
  const rules = ['allow in any any', 'deny in two udp/82']
  const a = modelOf({ one: { rules }, two: {} })
  const b = modelOf({ one: { rules: ['allow in any udp', ...rules], netRate: 99_000_000 }, two: {} })
  // The same packet is denied by another rule, and allowed by others.
  const c = modelOf({ one: { rules: ['deny in two udp', 'allow in two udp/1-99', 'allow in any tcp'] }, two: {} })
  const d = modelOf({ one: {}, two: { rules: ['deny out one any'] } })
  await world.firewall.reconcile(a)
  await bench.ask('one', 'takeReceived')
  let done = false
  const flood = (async () => {
    let sent = 0
    while (!done) sent += await bench.ask('two', 'flood', { to: at.one.v4, port: 82, size: 1, count: 200 })
    return sent
  })()
  for (let i = 0; i < 20; i += 1) {
    // A new driver knows nothing and writes everything; the next change is one of elements.
    const fresh = createNftables({ run: bench.runner() })
    await fresh.reconcile(a)
    for (const model of [b, c, d, a]) await fresh.reconcile(model)
  }
  done = true
  assert.ok((await flood) > 1_000)
  assert.equal(await bench.ask('one', 'takeReceived'), 0)
  await createNftables({ run: bench.runner() }).reconcile(modelOf({ one: { rules: ['allow in any any'] }, two: {} }))
  await bench.ask('two', 'flood', { to: at.one.v4, port: 82, size: 1, count: 5 })
  assert.ok((await bench.ask('one', 'takeReceived')) > 0)
})

test('nftables: what others drop is told by what nft lists', async () => {
  await isolated()
  await nft('add table ip filter\nadd chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }')
  await nft(
    'add table inet firewalld\nadd chain inet firewalld filter_INPUT { type filter hook input priority 10; policy drop; }',
  )
  await nft('add table inet fine\nadd chain inet fine forward { type filter hook forward priority 0; policy accept; }')
  const found = findForeignDrops(
    JSON.parse(await bench.runner().run({ file: 'nft', args: ['-j', 'list', 'ruleset'], timeoutMs: 10_000 })),
  )
  assert.deepEqual(
    found.map(({ table, chain }) => `${table} ${chain}`),
    ['ip filter FORWARD', 'inet firewalld filter_INPUT'],
  )
  assert.match(found[0]?.why ?? '', /Docker or ufw/)
  for (const table of ['ip filter', 'inet firewalld', 'inet fine']) await nft(`delete table ${table}`)
})
