import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Rule } from '../../src/api/guest.ts'
import { checkModel } from '../../src/drivers/firewall/check.ts'
import { type Packet, verdict } from '../../src/drivers/firewall/fake/verdict.ts'
import { contentsOf } from '../../src/drivers/firewall/nftables/elements.ts'
import { contains, parseRange } from '../../src/plan/firewall/ranges.ts'
import { compileFirewall, type FirewallGuest } from '../../src/plan/firewall.ts'

const addresses: Record<string, readonly string[]> = {
  one: ['10.100.0.1', 'fd12::1'],
  two: ['10.100.0.2', 'fd12::2'],
  far: ['10.100.9.9', 'fd12::909'],
}
const addressesOf = (name: string) => addresses[name]

function guest(
  number: number,
  name: string,
  rules: readonly Rule[],
  ports: FirewallGuest['ports'] = [],
): FirewallGuest {
  const [ipv4 = '', ipv6 = ''] = addresses[name] ?? []
  return { number, name, link: `croft${number}`, ipv4, ipv6, ports, rules }
}

const compile = (guests: readonly FirewallGuest[]) =>
  compileFirewall({ guests, prefix4: '10.100.0.0/16', prefix6: 'fd12::/64', uplink: 'eth0', addressesOf })

function rule(text: string): Rule {
  const [action, direction, peer = '', service = ''] = text.split(' ')
  const [protocol, ports] = service.split('/')
  const [from, to = from] = (ports ?? '').split('-')
  return {
    action: action as Rule['action'],
    direction: direction as Rule['direction'],
    peer,
    service: {
      protocol: protocol as Rule['service']['protocol'],
      ...(from ? { from: Number(from), to: Number(to) } : {}),
    },
    log: false,
  }
}

const neverOf = (...rules: string[]) =>
  compile([guest(1, 'one', rules.map(rule))]).findings.map(({ index, never }) => `${index}: ${never}`)

test('names become addresses of both families, any becomes everything', () => {
  const { model, findings } = compile([guest(1, 'one', [rule('allow in two tcp/80'), rule('allow out any any')])])
  assert.deepEqual(findings, [])
  assert.deepEqual(
    model.guests[0]?.rules.map(({ peers }) => peers),
    [
      ['10.100.0.2', 'fd12::2'],
      ['0.0.0.0/0', '::/0'],
    ],
  )
  assert.equal(model.guests[0]?.egressList, true)
})

test('rules that can never match are reported with the reason', () => {
  assert.deepEqual(neverOf('allow in nobody tcp/80'), ['0: no guest is named "nobody"'])
  assert.deepEqual(neverOf('allow in 10.1.0.0/16 tcp/80', 'deny in 10.0.0.0/8 any'), ['0: denied by rule 2'])
  assert.deepEqual(neverOf('allow in any tcp', 'allow in two tcp/80'), ['1: already said by rule 1'])
  assert.deepEqual(neverOf('allow in any tcp/80', 'allow in any tcp/80'), ['1: already said by rule 1'])
  assert.deepEqual(neverOf('allow in any tcp/1-9', 'allow in any tcp/10-20', 'allow in any tcp/5-15'), [
    '2: already said by other rules together',
  ])
  assert.deepEqual(neverOf('deny in any icmp', 'deny in any any', 'deny in two udp/5'), ['2: already said by rule 2'])
  assert.deepEqual(neverOf('allow in any tcp/80', 'deny in two tcp/80', 'allow out any tcp/80'), [])
})

test('an unknown peer of an allowed way out still closes the rest', () => {
  const { model } = compile([guest(1, 'one', [rule('allow out nobody any')])])
  assert.equal(model.guests[0]?.egressList, true)
  assert.deepEqual(model.guests[0]?.rules, [])
})

test('the lower number keeps a door that two guests claim', () => {
  const door = { protocol: 'tcp', hostPort: 8080, guestPort: 80 } as const
  const bound = { ...door, address: '2001:DB8:0::1' }
  const { model, findings } = compile([
    guest(2, 'two', [], [door, bound, { ...bound, address: '2001:db8::1' }]),
    guest(1, 'one', [], [door]),
  ])
  assert.deepEqual(findings, [
    { guest: 'two', what: 'port', index: 0, never: 'tcp/8080 is already published by one' },
    { guest: 'two', what: 'port', index: 2, never: 'tcp/8080 is already published by two' },
  ])
  assert.deepEqual(
    model.guests.map(({ number, ports }) => [number, ports.length]),
    [
      [1, 1],
      [2, 1],
    ],
  )
})

const peer = fc.constantFrom(
  ...['any', 'one', 'two', 'far', 'nobody', '10.100.0.0/24', '10.100.0.3/8', '203.0.113.7', '203.0.113.0/24'],
  ...['0.0.0.0/0', '::/0', 'fd12::/64', '2001:db8::7', '2001:db8::/32'],
)
const portNumber = fc.integer({ min: 1, max: 6 })
const service = fc.oneof(
  fc.constantFrom<Rule['service']>({ protocol: 'any' }, { protocol: 'icmp' }, { protocol: 'tcp' }, { protocol: 'udp' }),
  fc
    .tuple(fc.constantFrom('tcp', 'udp'), portNumber, portNumber)
    .map(([protocol, a, b]): Rule['service'] => ({ protocol, from: Math.min(a, b), to: Math.max(a, b) })),
)
const anyRule = fc.record<Rule>({
  action: fc.constantFrom('allow', 'deny'),
  direction: fc.constantFrom('in', 'out'),
  peer,
  service,
  log: fc.boolean(),
})
const rules = fc.array(anyRule, { maxLength: 6 })
const place = fc.constantFrom('one', 'two', 'outside')
const anyPacket = fc.record({
  from: place,
  to: place,
  family: fc.constantFrom(0, 1),
  protocol: fc.constantFrom<Packet['protocol']>('tcp', 'udp', 'icmp'),
  port: portNumber,
  outside: fc.constantFrom(0, 1),
  echo: fc.boolean(),
})

const strangers = [
  ['203.0.113.7', '2001:db8::7'],
  ['198.51.100.1', '2001:db9::1'],
]

test('what is compiled decides as the language reads', () => {
  fc.assert(
    fc.property(rules, rules, fc.array(anyPacket, { minLength: 1, maxLength: 20 }), (one, two, packets) => {
      const spec: Record<string, readonly Rule[]> = { one, two }
      const { model } = compile([guest(1, 'one', one), guest(2, 'two', two)])
      checkModel(model)
      for (const { from, to, family, protocol, port, outside, echo } of packets) {
        if (from === to) continue
        const addressAt = (name: string) => (addresses[name] ?? strangers[outside])?.[family] ?? ''
        const packet: Packet = {
          from: from === 'one' ? 'croft1' : from === 'two' ? 'croft2' : 'eth0',
          source: addressAt(from),
          destination: addressAt(to),
          local: false,
          protocol,
          port,
          echo: echo && protocol === 'icmp',
        }
        assert.equal(verdict(model, packet).passes, reads(spec[from], spec[to], packet), JSON.stringify(packet))
      }
    }),
    { numRuns: 500 },
  )
})

/** The language of the firewall, word by word. */
function reads(source: readonly Rule[] | undefined, target: readonly Rule[] | undefined, packet: Packet): boolean {
  const matches = (all: readonly Rule[] | undefined, action: string, direction: string) =>
    (all ?? []).some((one) => one.action === action && one.direction === direction && matchesOne(one, packet))
  if (matches(source, 'deny', 'out') || matches(target, 'deny', 'in')) return false
  const listed = source?.some(({ action, direction }) => action === 'allow' && direction === 'out')
  if (listed && !matches(source, 'allow', 'out')) return false
  return target === undefined || packet.echo === true || matches(target, 'allow', 'in')
}

function matchesOne({ direction, peer, service: { protocol, from = 0, to = 65535 } }: Rule, packet: Packet): boolean {
  const address = parseRange(direction === 'in' ? packet.source : packet.destination)
  const names = peer === 'any' ? ['0.0.0.0/0', '::/0'] : (addresses[peer] ?? [peer])
  const near = names.flatMap((name) => parseRange(name) ?? []).some((range) => address && contains(range, address))
  if (!near || protocol === 'any') return near
  const port = packet.port ?? 0
  return protocol === packet.protocol && (protocol === 'icmp' || (from <= port && port <= to))
}

test('elements of one set never overlap: the kernel would refuse them', () => {
  fc.assert(
    fc.property(rules, (all) => {
      const { model } = compile([guest(1, 'one', all)])
      for (const [set, elements] of contentsOf(model).sets) {
        if (!/^(allow|deny)_/.test(set)) continue
        const boxes = [...elements.keys()].map((key) => key.split(' . '))
        boxes.forEach((a, i) => {
          for (const b of boxes.slice(i + 1)) assert.ok(!overlap(a, b), `${set}: ${a.join(' ')} and ${b.join(' ')}`)
        })
      }
    }),
    { numRuns: 500 },
  )
})

function overlap([, range1 = '', protocol1, ports1 = '']: string[], [, range2 = '', protocol2, ports2 = '']: string[]) {
  const [a, b] = [parseRange(range1), parseRange(range2)]
  assert.ok(a && b)
  const [from1 = 0, to1 = from1] = ports1.split('-').map(Number)
  const [from2 = 0, to2 = from2] = ports2.split('-').map(Number)
  return a.from <= b.to && b.from <= a.to && protocol1 === protocol2 && from1 <= to2 && from2 <= to1
}
