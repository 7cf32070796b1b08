/** One of five hosts is away: what people do with a farm goes on, on all others; then it comes back, one leaves, and one is lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Guest } from '../../../src/api/guest.ts'
import type { Host } from '../../../src/api/host.ts'
import type { Status } from '../../../src/api/resources.ts'
import type { Site } from '../../../src/api/site.ts'
import type { TestHost, TestHosts } from '../hosts.ts'
import { serveFolder } from '../web.ts'
import { memberOf, untilStore, vote, votingIn } from './store.ts'
import { buildShop, page, visit } from './visitors.ts'

const [shop, blog, far] = ['shop.example.org', 'blog.example.org', 'far.example.org'] as const

/** Returns who is no host of the farm any more at the end. */
export function goingOn(hosts: TestHosts): { lost(): readonly string[] } {
  const gone: string[] = []
  const { ash, birch, cedar } = hosts
  const [dogwood, elm] = [hosts.get('dogwood'), hosts.get('elm')]
  const others = [ash, birch, cedar, dogwood]

  /** Again while a busy host takes its time to answer another one: nothing was done then. */
  async function say(
    host: TestHost,
    ...words: string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    for (const end = Date.now() + 60_000; ; ) {
      const said = await host.croftWith({ timeoutMs: 300_000 }, ...words)
      if (said.code !== 7 || Date.now() > end) return said
    }
  }
  const site = (from: TestHost) => from.json<Site>('site', 'show', 'shop/prod')
  const stateOf = async (name: string) =>
    (await ash.json<Host[]>('host', 'ls').catch(() => [])).find((each) => each.name === name)?.state
  /** The host of each instance that serves. */
  const places = async (): Promise<Record<string, string>> => {
    const ready = (await site(ash)).instances.filter(({ state }) => state === 'ready').map(({ name }) => name)
    const guests = await ash.json<Guest[]>('instance', 'ls')
    return Object.fromEntries(guests.filter(({ name }) => ready.includes(name)).map(({ name, host }) => [name, host]))
  }
  const hostsOfShop = async () => Object.values(await places()).sort()
  const on = async (host: string): Promise<string> =>
    Object.entries(await places()).find(([, each]) => each === host)?.[0] ?? assert.fail(`no instance on ${host}`)

  test('with the fifth host there are five members; four hosts have three', async () => {
    await hosts.join(dogwood)
    const four = await untilStore(dogwood, 'three members of four hosts', vote(3))
    assert.deepEqual(votingIn(four).sort(), ['ash', 'birch', 'cedar'])
    await hosts.join(elm)
    await untilStore(elm, 'five members', vote(5))
    for (const host of hosts.all) await untilStore(host, 'five places to ask', ({ at }) => at.length === 5)
  })

  test('one host of five is away: sites, guests and the farm go on', async (context) => {
    await elm.croftOk('create', 'lone', 'debian:12', '--host', 'elm', 'memory=64M', '--wait=stable')
    await serveFolder(elm, 'lone', { 'index.html': 'far and well' })
    await elm.croftOk('route', 'add', far, 'lone:8080')
    await elm.waitFor(async () => (await page(elm, far)) === 'far and well', 60_000, 'the page of the far guest')
    await hosts.cut(elm)
    await ash.waitFor(async () => (await stateOf('elm')) === 'away', 60_000, 'that elm is away')

    await buildShop(birch)
    const words = ['--instances', '3', '--domain', shop, '--size', 'small']
    const first = await say(cedar, 'deploy', 'shop/prod', 'v1', ...words)
    assert.equal(first.code, 0, `${first.stderr}\n${cedar.logTail(9)}`)
    const had = await hostsOfShop()
    assert.equal(new Set(had).size, 3)
    for (const host of others) await host.waitFor(async () => (await page(host, shop)) === 'v1', 60_000)
    const second = hosts.get(had[1] ?? '')
    assert.equal(await page(elm, far, 'host'), 'far and well', 'a host that is cut off serves what it has')
    const { store } = await elm.json<Status>('status')
    assert.deepEqual([store.kind, store.ok], ['etcd', false])
    const refused = await elm.croft('size', 'set', 'small', 'cpu=1')
    assert.equal(refused.code, 7)
    assert.match(refused.stderr, /^✗ the store is away, guests run on: .*\n/)

    await ash.croftOk('create', 'blog', 'debian:12', '--host', 'ash', 'memory=64M', 'disk=1G', '--wait=stable')
    await serveFolder(ash, 'blog', { 'index.html': 'a blog' })
    await birch.croftOk('route', 'add', blog, 'blog:8080')
    for (const host of others) await host.waitFor(async () => (await page(host, blog)) === 'a blog', 60_000)

    await elm.stopDaemon('SIGKILL')
    process.kill(memberOf(elm), 'SIGKILL')
    const leave = [ash, dogwood].map((host) => visit(host, [shop]))
    await deployHostByHost(second)
    await endIsTold(second)
    const reports = await Promise.all(leave.map((end) => end()))
    for (const { statuses, failures, requests, gapMs } of reports) {
      context.diagnostic(`${requests} requests, the longest gap ${Math.round(gapMs)} ms`)
      assert.deepEqual([Object.keys(statuses), failures], [['200'], {}])
    }
    await moveWhileAsked(second)
    await empty(second)
    await comesBack()
    for (const name of [blog, far]) await ash.croftOk('route', 'rm', name, '-y')
    await ash.croftOk('site', 'rm', 'shop/prod', '-y')
    await ash.waitFor(async () => (await ash.croft('site', 'show', 'shop/prod')).code === 3, 60_000)
  })

  /** What is said of one host is of the instances there: a wave that is red on it takes all waves back. */
  async function deployHostByHost(second: TestHost): Promise<void> {
    const before = await places()
    const byHost = ['--waves', 'host', '--hold', '2s']
    await ash.croftOk('config', 'set', 'shop/prod', '--host', second.hostName, 'env.BAD=yes', 'env.WHERE=here')
    const red = await say(dogwood, 'deploy', 'shop/prod', 'v2', ...byHost)
    assert.equal(red.code, 1, red.stderr)
    assert.match(red.stderr, /web .*ended[\s\S]*↩ shop:v1 serves on/)
    assert.deepEqual(await places(), before)
    await birch.croftOk('config', 'unset', 'shop/prod', '--host', second.hostName, 'env.BAD')
    const green = await say(dogwood, 'deploy', 'shop/prod', 'v2', ...byHost)
    assert.equal(green.code, 0, green.stderr)
    for (const host of others) assert.equal(await page(host, shop), 'v2')
    const after = await places()
    assert.deepEqual(Object.values(after).sort(), Object.values(before).sort())
    for (const [name, host] of Object.entries(after)) {
      const where = await cedar.croftOk('exec', name, '--', 'sh', '-c', 'echo $WHERE')
      assert.equal(where, host === second.hostName ? 'here\n' : '\n')
    }
  }

  /** Of a daemon on another host than who asks. */
  async function endIsTold(second: TestHost): Promise<void> {
    const name = await on(second.hostName)
    await ash.croftOk('exec', name, '--', 'pkill', '-KILL', 'busybox')
    const told = async () => (await site(dogwood)).exits?.find(({ instance }) => instance === name)?.why ?? ''
    await ash.waitFor(async () => (await told()) !== '', 90_000, 'how it ended')
    assert.match(await told(), /was killed by signal 9/)
    assert.match(await ash.croftOk('logs', name), /Main process exited/)
  }

  async function moveWhileAsked(second: TestHost): Promise<void> {
    const leave = visit(dogwood, [blog])
    const moved = await say(dogwood, 'move', 'blog', second.hostName)
    assert.equal(moved.code, 0, `${moved.stderr}\n${ash.logTail(9)}\n${second.logTail(9)}`)
    assert.match(moved.stdout, /blog on \w+: down \d+\.\d s, same address/)
    await dogwood.waitFor(async () => (await page(dogwood, blog)) === 'a blog', 60_000)
    const { statuses, failures } = await leave()
    assert.deepEqual([Object.keys(statuses).filter((status) => !['200', '503'].includes(status)), failures], [[], {}])
  }

  async function empty(second: TestHost): Promise<void> {
    const emptied = await say(ash, 'host', 'drain', second.hostName, '--move')
    assert.equal(emptied.code, 0, `${emptied.stderr}\n${second.logTail(9)}`)
    const guests = [...(await ash.json<Guest[]>('ls')), ...(await ash.json<Guest[]>('instance', 'ls'))]
    const left = guests.filter(({ host }) => host === second.hostName)
    assert.deepEqual(
      left.map(({ name }) => name),
      [],
    )
    assert.equal(Object.keys(await places()).length, 3)
    for (const host of others) assert.equal(await page(host, shop), 'v2')
    await ash.croftOk('host', 'undrain', second.hostName)
  }

  async function comesBack(): Promise<void> {
    await hosts.mend(elm)
    await elm.startDaemon()
    await untilStore(ash, 'the fifth vote', vote(5))
    await ash.waitFor(async () => (await ash.croft('exec', 'lone', '--', 'true')).code === 0, 60_000, 'the far guest')
    await elm.waitFor(async () => (await page(elm, shop)) === 'v2', 60_000, 'the site on the host that was away')
    await ash.waitFor(
      async () => (await page(ash, far)) === 'far and well',
      60_000,
      'the guest of the host that was away',
    )
  }

  test('one leaves, and three of four are members; one that is lost is replaced by the fourth', async () => {
    assert.equal((await say(ash, 'host', 'drain', 'dogwood', '--move')).code, 0)
    await dogwood.croftOk('host', 'leave', '-y')
    const three = votingIn(await untilStore(ash, 'three members', vote(3)))
    const [free] = [birch, cedar, elm].filter(({ hostName }) => !three.includes(hostName))
    const [lost] = [elm, cedar, birch].filter((host) => host !== free)
    assert.ok(free && lost)
    gone.push('dogwood', lost.hostName)
    process.kill(memberOf(lost), 'SIGKILL')
    await lost.stopDaemon('SIGKILL')
    await ash.waitFor(async () => (await stateOf(lost.hostName)) === 'away', 60_000, 'that one is away')
    await ash.croftOk('host', 'declare-dead', lost.hostName, '-y')
    const isBack = (store: Parameters<ReturnType<typeof vote>>[0]) => votingIn(store).includes(free.hostName)
    await untilStore(ash, 'its replacement', (store) => vote(3)(store) && isBack(store))
    await free.croftOk('size', 'add', 'last', 'cpu=1', 'memory=128M', 'disk=1G', 'processes=100')
  })

  return { lost: () => gone }
}
