/** The routed network in a network namespace of its own: this file runs itself again there. Needs root. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createRouted } from '../../src/drivers/network/routed/index.ts'
import { networkContract } from './network.ts'

const run = createRunner()
const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })

if (process.env.CROFT_TEST_NETNS === undefined) {
  const namespace = `cfn${process.pid}`
  after(() => run.outcome(ip('netns', 'delete', namespace)))
  test('routed: the contract, in a namespace', async () => {
    await run.run(ip('netns', 'add', namespace))
    const file = new URL(import.meta.url).pathname
    const result = await run.outcome({
      file: 'nsenter',
      args: [`--net=/run/netns/${namespace}`, '--', process.execPath, '--test-reporter=spec', file],
      env: { CROFT_TEST_NETNS: namespace },
      timeoutMs: 60_000,
    })
    assert.equal(result.code, 0, result.stdout)
  })
} else {
  const network = createRouted({ run })
  const setting = (path: string) => readFile(`/proc/sys/net/${path}`, 'utf8').then((text) => text.trim())
  await run.run(ip('link', 'add', 'up0', 'mtu', '1400', 'type', 'veth', 'peer', 'name', 'up1'))
  for (const end of ['up0', 'up1']) await run.run(ip('link', 'set', end, 'up'))
  await run.run(ip('address', 'add', '192.0.2.2/24', 'dev', 'up0'))
  await run.run(ip('route', 'add', 'default', 'via', '192.0.2.1', 'dev', 'up0'))
  await writeFile('/proc/sys/net/ipv6/conf/all/forwarding', '0')
  await writeFile('/proc/sys/net/ipv6/conf/up0/accept_ra', '1')

  networkContract('routed', () => ({
    network,
    host: { uplink: 'up0', mtu: 1400, addresses: ['192.0.2.2'] },
    async addLink(name) {
      await run.run(ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `peer${name.slice(5)}`))
      await run.run(ip('link', 'set', name, 'up'))
    },
    loopbackReaches: async (name) => (await setting(`ipv4/conf/${name}/route_localnet`)) === '1',
  }))

  test('routed: what prepare and tune leave', async () => {
    assert.equal(await setting('ipv4/ip_forward'), '1')
    assert.equal(await setting('ipv6/conf/all/forwarding'), '1')
    assert.equal(await setting('ipv6/conf/up0/accept_ra'), '2', 'a host that forwards still hears its router')
    await run.run(ip('link', 'add', 'croft8', 'type', 'veth', 'peer', 'name', 'peer8'))
    await network.tune('croft8', { reachableFromLoopback: true })
    for (const [path, value] of [
      ['ipv6/conf/croft8/accept_ra', '0'],
      ['ipv6/conf/croft8/forwarding', '1'],
      ['ipv4/conf/croft8/proxy_arp', '0'],
    ] as const) {
      assert.equal(await setting(path), value, path)
    }
    assert.match(await run.run(ip('-6', 'address', 'show', 'dev', 'croft8')), /inet6 fe80::1\/128/)
    await network.removeLink('croft8')
    await assert.rejects(network.tune('croft8', { reachableFromLoopback: true }), { code: 'COMMAND_FAILED' })
  })

  test('routed: without a default route there is no uplink', async () => {
    await run.run(ip('route', 'delete', 'default'))
    assert.deepEqual(await createRouted({ run }).uplink(), { uplink: null, mtu: 1500, addresses: [] })
  })
}
