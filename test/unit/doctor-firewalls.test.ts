import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type FirewallFacts,
  judgeFirewalls,
  readFirewalls,
  sparesGuests,
} from '../../src/daemon/doctor/foreign-firewalls.ts'
import type { Look } from '../../src/daemon/doctor/look.ts'
import { letGuestsPassDocker } from '../../src/daemon/doctor/mend.ts'
import type { Command } from '../../src/drivers/exec/command.ts'

const nothing: FirewallFacts = {
  drops: [],
  docker: false,
  ufw: false,
  firewalld: false,
  firewalldTrusts: false,
  legacyTables: [],
}
const drop = { table: 'ip filter', chain: 'FORWARD', hook: 'forward', why: 'policy drop on forward', spared: false }

test('a foreign drop is named with its owner and the way past it', () => {
  const mendOf = (facts: Partial<FirewallFacts>) =>
    judgeFirewalls({ ...nothing, drops: [drop], ...facts }).map(
      ({ check, verdict, mend }) => `${check} ${verdict} ${mend}`,
    )
  assert.deepEqual(mendOf({ docker: true }), ['docker red croft doctor --fix docker'])
  assert.match(mendOf({ ufw: true }).join(), /^ufw red ufw route allow in on croft\+/)
  assert.deepEqual(mendOf({}), [
    `firewall red nft 'insert rule ip filter FORWARD iifname "croft*" accept' && nft 'insert rule ip filter FORWARD oifname "croft*" accept'`,
  ])
  assert.match(mendOf({ drops: [{ ...drop, hook: 'input' }] }).join(), /^firewall warn/)
  assert.deepEqual(mendOf({ drops: [{ ...drop, spared: true }], docker: true }), ['firewall ok undefined'])
})

test('firewalld rejects without a policy, until guests are trusted', () => {
  assert.equal(judgeFirewalls({ ...nothing, firewalld: true })[0]?.verdict, 'red')
  assert.equal(judgeFirewalls({ ...nothing, firewalld: true, firewalldTrusts: true })[0]?.verdict, 'ok')
  assert.equal(judgeFirewalls({ ...nothing, legacyTables: ['filter'] })[0]?.verdict, 'warn')
})

const match = (key: string, right: string) => ({ match: { op: '==', left: { meta: { key } }, right } })
const counter = { counter: { packets: 0, bytes: 0 } }
const rule = (chain: string, ...expr: object[]) => ({ rule: { family: 'ip', table: 'filter', chain, expr } })
const jump = (target: string) => ({ jump: { target } })
const accept = { accept: null }

test('guests are spared when both ways are accepted before the policy, and without conditions', () => {
  const both = [
    rule('DOCKER-USER', match('iifname', 'croft*'), counter, accept),
    rule('DOCKER-USER', match('oifname', 'croft*'), accept),
  ]
  const spares = (...rules: object[]) => sparesGuests({ nftables: [{ metainfo: {} }, ...rules] }, 'FORWARD')
  assert.equal(spares(rule('FORWARD', counter, jump('DOCKER-USER')), ...both), true)
  assert.equal(spares(...both), false)
  assert.equal(spares(rule('FORWARD', match('iifname', 'eth1'), jump('DOCKER-USER')), ...both), false)
  assert.equal(spares(rule('FORWARD', match('iifname', 'croft*'), accept)), false)
  const narrow = rule('FORWARD', match('iifname', 'croft*'), match('oifname', 'eth0'), accept)
  assert.equal(spares(narrow, rule('FORWARD', match('oifname', 'croft*'), accept)), false)
  assert.equal(
    spares(rule('FORWARD', match('iifname', 'eth0'), accept), rule('FORWARD', match('oifname', 'croft*'), accept)),
    false,
  )
})

const chain = (family: string, table: string, name: string, policy: string) => ({
  chain: { family, table, name, handle: 1, type: 'filter', hook: 'forward', prio: 0, policy },
})

function machine(listings: Readonly<Record<string, readonly object[]>>) {
  const asked: Command[] = []
  const outcome = async (command: Command) => {
    asked.push(command)
    const listing = listings[command.args.slice(2).join(' ')]
    const stdout = listing ? JSON.stringify({ nftables: listing }) : ''
    return { code: listing || command.stdin ? 0 : 1, signal: null, stdout, stderr: '', timedOut: false }
  }
  const run = { outcome, run: async (command: Command) => (await outcome(command)).stdout }
  return { run, asked }
}

test('facts come from nft, links and the files of the others', async () => {
  const { run } = machine({
    chains: [
      chain('ip', 'filter', 'FORWARD', 'drop'),
      chain('inet', 'croft', 'forward', 'drop'),
      chain('inet', 'firewalld', 'f', 'accept'),
    ],
    'table ip filter': [rule('FORWARD', match('iifname', 'croft*'), accept)],
  })
  const files: Record<string, string> = {
    '/proc/net/dev': 'Inter-| x\n docker0: 1 2\n   lo: 3\n',
    '/etc/ufw/ufw.conf': '# x\nENABLED=yes\nLOGLEVEL=low\n',
  }
  const look: Look = {
    run,
    text: async (path) => files[path],
    names: async () => [],
    program: async () => undefined,
    answers: async () => true,
  }
  const facts = await readFirewalls(look)
  assert.deepEqual(
    facts.drops.map(({ table, chain, spared }) => ({ table, chain, spared })),
    [{ table: 'ip filter', chain: 'FORWARD', spared: false }],
  )
  assert.deepEqual([facts.docker, facts.ufw, facts.firewalld, facts.firewalldTrusts], [true, true, true, false])
})

test('Docker is asked to let guests pass once', async () => {
  const user = chain('ip', 'filter', 'DOCKER-USER', 'accept')
  const before = machine({ 'table ip filter': [user] })
  assert.equal((await letGuestsPassDocker(before.run)).length, 1)
  assert.match(
    before.asked.find(({ stdin }) => stdin)?.stdin ?? '',
    /insert rule ip filter DOCKER-USER iifname "croft\*" counter accept/,
  )
  const accepted = ['iifname', 'oifname'].map((side) => rule('DOCKER-USER', match(side, 'croft*'), counter, accept))
  const after = machine({ 'table ip filter': [user, ...accepted], 'ip filter DOCKER-USER': [] })
  assert.deepEqual(await letGuestsPassDocker({ ...after.run, outcome: (command) => after.run.outcome(command) }), [])
  await assert.rejects(letGuestsPassDocker(machine({}).run), { code: 'NOT_FOUND' })
})
