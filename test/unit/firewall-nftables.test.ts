import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command, Outcome, Runner } from '../../src/drivers/exec/command.ts'
import type { FirewallModel, GuestRules } from '../../src/drivers/firewall/driver.ts'
import { contentsOf } from '../../src/drivers/firewall/nftables/elements.ts'
import { findForeignDrops } from '../../src/drivers/firewall/nftables/foreign.ts'
import { createNftables } from '../../src/drivers/firewall/nftables/index.ts'
import { parseListing } from '../../src/drivers/firewall/nftables/parse.ts'
import { inetRules } from '../../src/drivers/firewall/nftables/rules.ts'
import { difference, wholeScript } from '../../src/drivers/firewall/nftables/script.ts'

const guest = (number: number, more: Partial<GuestRules> = {}): GuestRules => ({
  number,
  link: `croft${number}`,
  ipv4: `10.100.0.${number}`,
  ipv6: `fd12::${number}`,
  ports: [],
  rules: [],
  egressList: false,
  ...more,
})
const model = (...guests: GuestRules[]): FirewallModel => ({
  prefix4: '10.100.0.0/16',
  prefix6: 'fd12::/64',
  uplink: null,
  guests,
})
const deny = (index: number, peer: string, port: number): GuestRules['rules'][number] => ({
  index,
  action: 'deny',
  direction: 'in',
  peers: [peer],
  service: { protocol: 'tcp', from: port, to: port },
  log: false,
})
const allow = (index: number, peer: string, port: number) => ({ ...deny(index, peer, port), action: 'allow' as const })
const between = (a: FirewallModel, b: FirewallModel) => difference('croft', contentsOf(a), contentsOf(b))

test('the rules are as long for one guest as for many', () => {
  const one = model(guest(1))
  const many = model(...Array.from({ length: 50 }, (_, i) => guest(i + 1, { rules: [deny(0, '10.0.0.0/8', 80)] })))
  assert.equal(inetRules(one), inetRules(many))
  const script = wholeScript('mine', inetRules(one), contentsOf(one))
  assert.ok(
    script.startsWith('add table inet mine\ndelete table inet mine\nadd table arp mine\ndelete table arp mine\n'),
  )
  assert.ok(!script.includes('flush ruleset'))
})

test('a new guest is three elements, and they go with it', () => {
  assert.equal(between(model(guest(1)), model(guest(1))).script, '')
  assert.equal(
    between(model(guest(1)), model(guest(1), guest(2))).script,
    [
      'add element inet croft own4 { "croft2" . 10.100.0.2 }',
      'add element inet croft own6 { "croft2" . fd12::2 }',
      'add element arp croft own { "croft2" . 10.100.0.2 }\n',
    ].join('\n'),
  )
  assert.match(between(model(guest(1)), model()).script, /^delete element inet croft own4/)
})

test('new denials stand before new allowances, old denials go after old allowances, both at once shut the gate', () => {
  const none = model(guest(1))
  const both = model(guest(1, { rules: [allow(0, '0.0.0.0/0', 80), deny(1, '10.0.0.1', 80)] }))
  const other = model(guest(1, { rules: [allow(0, '0.0.0.0/0', 80), deny(1, '10.0.0.2', 80)] }))
  const order = (script: string) => script.split('\n').map((line) => /(deny|allow)_in/.exec(line)?.[1])
  assert.deepEqual(order(between(none, both).script).slice(0, 2), ['deny', 'allow'])
  assert.deepEqual(order(between(both, none).script).slice(0, 2), ['allow', 'deny'])
  assert.deepEqual(between(none, both).shut, [])
  assert.deepEqual(between(both, none).shut, [])
  assert.deepEqual(between(both, other).shut, ['"croft1"'])
})

test('a changed rate takes the pointing elements away and puts them back around the limit', () => {
  const { script } = between(
    model(guest(1, { rateIn: 1000, rateOut: 1000 })),
    model(guest(1, { rateIn: 2000, rateOut: 2000 })),
  )
  assert.deepEqual(
    script
      .trim()
      .split('\n')
      .map((line) => line.split(' {')[0]),
    [
      'delete element inet croft rate_in',
      'delete element inet croft rate_out',
      'delete limit inet croft in_1',
      'delete limit inet croft out_1',
      'add limit inet croft in_1',
      'add limit inet croft out_1',
      'add element inet croft rate_in',
      'add element inet croft rate_out',
    ],
  )
})

test('a listing is read: elements as written, rules without counts and handles', () => {
  const rule = (handle: number, packets: number) => ({
    rule: { chain: 'a', handle, expr: [{ counter: { packets, bytes: 9 } }, { drop: null }] },
  })
  const listing = (handle: number, packets: number) =>
    JSON.stringify({
      nftables: [
        { metainfo: { version: '1.0.6' } },
        { limit: { name: 'in_1', rate: 2, per: 'second', rate_unit: 'kbytes', inv: true, handle } },
        {
          map: {
            name: 'deny_in_port4',
            type: ['ifname'],
            map: 'verdict',
            handle,
            elem: [
              [
                {
                  elem: {
                    val: { concat: ['croft1', { prefix: { addr: '10.0.0.0', len: 8 } }, 'tcp', { range: [1, 9] }] },
                    counter: { packets, bytes: 1 },
                  },
                },
                { goto: { target: 'drop_logged' } },
              ],
            ],
          },
        },
        rule(handle, packets),
      ],
    })
  const read = parseListing(listing(1, 5))
  assert.equal(read.rules, parseListing(listing(7, 8)).rules)
  assert.deepEqual([...read.limits], [['in_1', 2048]])
  assert.deepEqual(
    [...(read.sets.get('deny_in_port4') ?? [])],
    [['"croft1" . 10.0.0.0/8 . tcp . 1-9', 'goto drop_logged']],
  )
  assert.deepEqual([...read.packets], [['deny_in_port4 "croft1" . 10.0.0.0/8 . tcp . 1-9', 5]])
})

test('"no such table" is an answer, any other failure of nft is none', async () => {
  const failing = (stderr: string): Runner => {
    const outcome = async (command: Command): Promise<Outcome> => {
      const code = command.args.includes('list') ? 1 : 0
      return { code, signal: null, stdout: '', stderr, timedOut: false }
    }
    return { outcome, run: async () => '' }
  }
  const gone = createNftables({ run: failing('Error: No such file or directory') })
  assert.deepEqual([...(await gone.counters())], [])
  const broken = createNftables({ run: failing('Operation not permitted') })
  await assert.rejects(broken.counters(), { code: 'COMMAND_FAILED' })
  await assert.rejects(broken.reconcile(model(guest(1))), { code: 'COMMAND_FAILED' })
  assert.throws(() => createNftables({ run: failing(''), table: 'a; flush ruleset' }), { code: 'BAD_VALUE' })
})

test('policies of others that drop are told, ours and harmless ones not', () => {
  const chain = (family: string, table: string, name: string, hook: string, policy: string) => ({
    chain: { family, table, name, hook, policy, type: 'filter', prio: 0, handle: 1 },
  })
  const found = findForeignDrops({
    nftables: [
      { metainfo: {} },
      chain('ip', 'filter', 'FORWARD', 'forward', 'drop'),
      chain('inet', 'firewalld', 'filter_INPUT', 'input', 'drop'),
      chain('inet', 'croft', 'forward', 'forward', 'drop'),
      chain('inet', 'x', 'out', 'output', 'drop'),
      chain('bridge', 'x', 'forward', 'forward', 'drop'),
      { chain: { family: 'ip', table: 'filter', name: 'DOCKER', handle: 3 } },
    ],
  })
  assert.deepEqual(
    found.map(({ table, chain }) => `${table} ${chain}`),
    ['ip filter FORWARD', 'inet firewalld filter_INPUT'],
  )
})
