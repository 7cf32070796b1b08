/**
 * VLAN networks in network namespaces: host, guest, and a wire with a router on it. Needs root. Links of kind macvlan stand
 * in for tagged ones where the kernel has no 802.1q: all but the tag is real.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readlink, writeFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createIproute } from '../../src/drivers/vlan/iproute/index.ts'
import { isInside, runInside } from './namespace.ts'
import { farm, officeOn, vlanContract, web } from './vlan.ts'

const run = createRunner()
const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })

/** A network namespace beside this one, and how to run a command there. */
async function beside() {
  const holder = spawn('unshare', ['--net', '--', 'sleep', '600'], { stdio: 'ignore' })
  holder.unref()
  after(() => void holder.kill('SIGKILL'))
  const pid = String(holder.pid)
  const own = await readlink('/proc/self/ns/net')
  while ((await readlink(`/proc/${pid}/ns/net`)) === own) await sleep(5)
  const command = ({ file, args, timeoutMs }: Command): Command => ({
    ...{ file: 'nsenter', args: [`--net=/proc/${pid}/ns/net`, '--', file, ...args], timeoutMs },
  })
  const ipThere = (...args: string[]) => run.run(command(ip(...args)))
  await ipThere('link', 'set', 'lo', 'up')
  return { pid, ip: ipThere, outcome: (each: Command) => run.outcome(command(each)) }
}

const ping = (to: string, ...more: string[]): Command => ({
  ...{ file: 'ping', args: ['-n', '-c', '1', '-W', '2', ...more, to], timeoutMs: 10_000 },
})

if (!isInside) runInside('vlan', import.meta.url, 'v')
else {
  const vlans = createIproute({ run, kind: 'macvlan' })
  const [router, guest] = [await beside(), await beside()]
  await run.run(ip('link', 'set', 'lo', 'up'))
  await run.run(ip('link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'wire', 'netns', router.pid))
  await run.run(ip('link', 'set', 'eth1', 'up'))
  // The host's own way out is another one: nothing of the network may leave by it.
  await run.run(ip('link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1'))
  for (const link of ['up0', 'up1']) await run.run(ip('link', 'set', link, 'up'))
  await run.run(ip('address', 'add', '198.51.100.11/24', 'dev', 'up0'))
  await run.run(ip('route', 'add', 'default', 'via', '198.51.100.1', 'dev', 'up0'))
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1')
  await writeFile('/proc/sys/net/ipv6/conf/all/forwarding', '1')
  await router.ip('link', 'set', 'wire', 'up')
  for (const address of ['192.0.2.1/24', '2001:db8:20::1/64'])
    await router.ip('address', 'add', address, 'dev', 'wire', ...(address.includes(':') ? ['nodad'] : []))
  await router.ip('address', 'add', '203.0.113.9/32', 'dev', 'lo')
  // As LXC leaves a guest's link.
  await run.run(ip('link', 'add', 'croft21', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', guest.pid))
  await run.run(ip('link', 'set', 'croft21', 'up'))
  await run.run(ip('address', 'add', '169.254.0.1/32', 'dev', 'lo'))
  await run.run(ip('address', 'add', 'fe80::1/128', 'dev', 'croft21', 'nodad'))
  await guest.ip('link', 'set', 'eth0', 'up')
  for (const address of [...web.own, ...web.addresses]) {
    const six = address.includes(':')
    await guest.ip('address', 'add', `${address}/${six ? 128 : 32}`, 'dev', 'eth0', ...(six ? ['nodad'] : []))
    await run.run(ip('route', 'add', address, 'dev', 'croft21'))
  }
  await guest.ip('route', 'add', 'default', 'via', '169.254.0.1', 'dev', 'eth0', 'onlink')
  await guest.ip('-6', 'route', 'add', 'default', 'via', 'fe80::1', 'dev', 'eth0')

  vlanContract('iproute', () => ({
    vlans,
    uplink: 'eth1',
    async takes(address, has) {
      const words = has && address.includes(':') ? ['nodad'] : []
      await router.ip(
        'address',
        has ? 'add' : 'delete',
        `${address}/${address.includes(':') ? 64 : 24}`,
        'dev',
        'wire',
        ...words,
      )
    },
  }))

  test('iproute: a kernel that does not know the kind is told of, and no link is left of the question', async () => {
    const asked = createIproute({ run, kind: 'vlan' }).obstacle()
    const made = await run.outcome(ip('link', 'add', 'link', 'eth1', 'name', 'eth1.9', 'type', 'vlan', 'id', '9'))
    assert.equal(await asked, made.code === 0 ? undefined : 'its kernel has no 802.1q')
    if (made.code === 0) await run.run(ip('link', 'delete', 'eth1.9'))
    assert.doesNotMatch(await run.run(ip('link', 'show')), /croftnone/)
  })

  const office = () => ({ farm, networks: [officeOn('eth1')] })
  const reaches = async (from: typeof guest, to: string, ...more: string[]) =>
    (await from.outcome(ping(to, ...more))).code === 0

  test('iproute: the network reaches the guest, and the guest the network, its gateway, and what is behind it', async () => {
    await vlans.reconcile(office())
    for (const address of web.addresses) assert.ok(await reaches(router, address), `in to ${address}`)
    // The router has no way back to an address of the farm: an answer proves that it saw the one of the network.
    for (const address of ['192.0.2.1', '2001:db8:20::1']) assert.ok(await reaches(guest, address), `out to ${address}`)
    assert.ok(await reaches(guest, '203.0.113.9', '-I', '192.0.2.15'), 'by the gateway')
    assert.ok(!(await reaches(guest, '203.0.113.9')), 'from its address in the farm it goes the host’s way')
    const known = await router.ip('neighbour', 'show', 'dev', 'wire')
    assert.match(known, /192\.0\.2\.15 lladdr/)
    assert.doesNotMatch(known, /198\.51\.100|169\.254|10\.100/, 'the wire was asked by nobody else')
  })

  test('iproute: neighbours that knew it elsewhere are told', async () => {
    await vlans.reconcile({ farm, networks: [officeOn('eth1', { guests: [{ ...web, answers: false }] })] })
    await router.ip('neighbour', 'replace', '192.0.2.15', 'lladdr', '02:00:00:00:00:99', 'dev', 'wire', 'nud', 'stale')
    await vlans.reconcile(office())
    const elsewhere = async () => (await router.ip('neighbour', 'show', 'dev', 'wire')).includes('02:00:00:00:00:99')
    for (const end = Date.now() + 10_000; (await elsewhere()) && Date.now() < end; ) await sleep(50)
    assert.ok(!(await elsewhere()))
  })

  test('iproute: without its link nobody answers for it, without the device nothing leaves another way', async () => {
    await run.run(ip('route', 'delete', '192.0.2.15', 'dev', 'croft21'))
    await router.ip('neighbour', 'flush', 'dev', 'wire')
    assert.ok(!(await reaches(router, '192.0.2.15')))
    await run.run(ip('route', 'add', '192.0.2.15', 'dev', 'croft21'))
    await run.run(ip('link', 'delete', 'eth1.20'))
    const way = await run.outcome(ip('route', 'get', '203.0.113.9', 'from', '192.0.2.15', 'iif', 'croft21'))
    assert.notEqual(way.code, 0, way.stdout)
    assert.ok((await vlans.reconcile(office())).length > 0)
    assert.ok(await reaches(router, '192.0.2.15'), 'and the next look makes it again')
  })

  test('iproute: a daemon that begins anew changes nothing that stands; rules that a hand took away come back', async () => {
    const again = createIproute({ run, kind: 'macvlan' })
    assert.deepEqual(await again.reconcile(office()), ['its translation: written'])
    await run.run(ip('rule', 'delete', 'priority', '20002', 'from', '192.0.2.15'))
    await run.run({ file: 'nft', args: ['delete', 'table', 'inet', 'croft_vlan'], timeoutMs: 10_000 })
    assert.equal((await again.reconcile(office())).length, 2)
    assert.deepEqual(await again.reconcile(office()), [])
  })

  test('iproute: what is not ours is neither used nor taken away', async () => {
    await vlans.reconcile({ farm, networks: [] })
    await run.run(ip('link', 'add', 'link', 'eth1', 'name', 'eth1.20', 'type', 'macvlan'))
    await run.run(ip('rule', 'add', 'from', '192.0.2.77', 'lookup', '20'))
    await run.run(ip('neighbour', 'add', 'proxy', '192.0.2.78', 'dev', 'eth1'))
    await assert.rejects(vlans.reconcile(office()), { code: 'REFUSED' })
    await vlans.reconcile({ farm, networks: [] })
    assert.match(await run.run(ip('rule', 'show')), /192\.0\.2\.77/)
    assert.match(await run.run(ip('neighbour', 'show', 'proxy')), /192\.0\.2\.78/)
    assert.match(await run.run(ip('link', 'show')), /eth1\.20/)
    assert.doesNotMatch(await run.run({ file: 'nft', args: ['list', 'tables'], timeoutMs: 10_000 }), /croft/)
  })
}
