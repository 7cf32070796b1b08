/** The routed network in a network namespace of its own: this file runs itself again there. Needs root. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFile, readlink, writeFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createRouted } from '../../src/drivers/network/routed/index.ts'
import { isInside, runInside } from './namespace.ts'
import { networkContract } from './network.ts'

const run = createRunner()
const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })

if (!isInside) runInside('routed', import.meta.url, 'n')
else {
  const network = createRouted({ run })
  const setting = (path: string) => readFile(`/proc/sys/net/${path}`, 'utf8').then((text) => text.trim())
  await run.run(ip('link', 'add', 'up0', 'mtu', '1400', 'type', 'veth', 'peer', 'name', 'up1'))
  for (const end of ['up0', 'up1']) await run.run(ip('link', 'set', end, 'up'))
  await run.run(ip('address', 'add', '192.0.2.2/24', 'dev', 'up0'))
  await run.run(ip('route', 'add', 'default', 'via', '192.0.2.1', 'dev', 'up0'))
  await writeFile('/proc/sys/net/ipv6/conf/all/forwarding', '0')
  await writeFile('/proc/sys/net/ipv6/conf/up0/accept_ra', '1')

  /** As LXC leaves it. */
  async function addGuest(link: string) {
    const holder = spawn('unshare', ['--net', '--', 'sleep', '600'], { stdio: 'ignore' })
    holder.unref()
    after(() => void holder.kill('SIGKILL'))
    const pid = holder.pid ?? 0
    const inside = (...args: string[]): Command => {
      const { file, args: words, timeoutMs } = ip(...args)
      return { file: 'nsenter', args: [`--net=/proc/${pid}/ns/net`, '--', file, ...words], timeoutMs }
    }
    const own = await readlink('/proc/self/ns/net')
    while ((await readlink(`/proc/${pid}/ns/net`)) === own) await sleep(5)
    await run.run(ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)))
    await run.run(ip('link', 'set', link, 'up'))
    await run.run(inside('link', 'set', 'eth0', 'up'))
    for (const address of ['10.100.0.21/32', 'fd12::15/128']) {
      await run.run(inside('address', 'add', address, 'dev', 'eth0'))
      await run.run(ip('route', 'add', address, 'dev', link))
    }
    const shown = async () => JSON.parse(await run.run(inside('-j', 'address', 'show', 'dev', 'eth0')))[0]
    return {
      pid,
      addresses: async () => {
        const found: { local: string; scope: string; tentative?: boolean }[] = (await shown()).addr_info
        return found.filter(({ scope }) => scope === 'global').map(({ local }) => local)
      },
      mtu: async () => (await shown()).mtu,
      tentative: async () => run.run(inside('-6', 'address', 'show', 'dev', 'eth0', 'scope', 'global', 'tentative')),
    }
  }

  async function announced(): Promise<string[]> {
    const found: { dst: string; dev: string }[] = JSON.parse(await run.run(ip('-j', 'neighbour', 'show', 'proxy')))
    return found.filter(({ dst, dev }) => dev === 'up0' && dst !== '192.0.2.77').map(({ dst }) => dst)
  }

  networkContract('routed', () => ({
    network,
    host: { uplink: 'up0', mtu: 1400, addresses: ['192.0.2.2'] },
    async addLink(name) {
      await run.run(ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `peer${name.slice(5)}`))
      await run.run(ip('link', 'set', name, 'up'))
    },
    loopbackReaches: async (name) => (await setting(`ipv4/conf/${name}/route_localnet`)) === '1',
    addGuest,
    announced,
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

  test('routed: an IPv6 address is usable at once, and a guest that is gone changes nothing of the host', async () => {
    const guest = await addGuest('croft22')
    const end = { pid: guest.pid, ipv4: '10.100.0.21', ipv6: 'fd12::15', more: [], mtu: 1500, fresh: true }
    await network.equip('croft22', end)
    assert.equal(await guest.tentative(), '')
    assert.ok((await guest.addresses()).includes('fd12::15'))
    for (const pid of [process.pid, 2 ** 22 + 1])
      await assert.rejects(network.equip('croft22', { ...end, pid }), { code: 'NOT_RUNNING' })
    await network.removeLink('croft22')
  })

  test('routed: a link that was down has forgotten what was announced; told again it knows', async () => {
    await network.announce(['192.0.2.50'])
    await run.run(ip('link', 'set', 'up0', 'down'))
    await run.run(ip('link', 'set', 'up0', 'up'))
    await run.run(ip('route', 'add', 'default', 'via', '192.0.2.1'))
    assert.deepEqual(await announced(), [])
    await network.announce(['192.0.2.50'])
    assert.deepEqual(await announced(), ['192.0.2.50'])
    await network.announce([])
  })

  test('routed: what others announce stays; the way out of the host is its own', async () => {
    await run.run(ip('neighbour', 'add', 'proxy', '192.0.2.77', 'dev', 'up0'))
    await createRouted({ run }).announce(['192.0.2.50'])
    await createRouted({ run }).announce([])
    assert.match(await run.run(ip('neighbour', 'show', 'proxy')), /192\.0\.2\.77/)
    assert.deepEqual(await announced(), [])
    assert.match((await network.claims('192.0.2.1')) ?? '', /way out/)
  })

  test('routed: without a default route there is no uplink', async () => {
    await run.run(ip('route', 'delete', 'default'))
    assert.deepEqual(await createRouted({ run }).uplink(), { uplink: null, mtu: 1500, addresses: [] })
  })
}
