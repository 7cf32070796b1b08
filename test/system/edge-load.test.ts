/** Visitors come without a break while everything around them changes: none of their requests may fail. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadOrder, LoadReport } from '../load/load.ts'
import { at, useFarm } from './farm.ts'
import { serveFolder } from './web.ts'

const farm = await useFarm()
const program = new URL('../load/load.ts', import.meta.url).pathname

interface Visitors {
  /** They go home, and what they met is told. */
  leave(): Promise<LoadReport>
}

async function visitors(more: Partial<LoadOrder> = {}): Promise<Visitors> {
  const order: LoadOrder = {
    address: at.host.v4,
    port: 443,
    hosts: ['shop.example.org'],
    connections: 4,
    pauseMs: 5,
    ...more,
  }
  const child = farm.background('outside', { file: process.execPath, args: [program, JSON.stringify(order)] }, 'pipe')
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  // Some are there before anything happens.
  await sleep(500)
  return {
    async leave() {
      await sleep(300)
      const gone = once(child, 'exit')
      child.stdin?.end()
      await gone
      return JSON.parse(said) as LoadReport
    },
  }
}

function assertNoneFailed(report: LoadReport): void {
  const others = Object.keys(report.statuses).filter((status) => status !== '200')
  assert.deepEqual([others, report.failures], [[], {}], JSON.stringify(report))
  assert.ok((report.statuses['200'] ?? 0) > 50, JSON.stringify(report))
}

const answers = async (url = 'https://shop.example.org/') => {
  const { hostname } = new URL(url)
  const to = [80, 443].flatMap((port) => ['--resolve', `${hostname}:${port}:${at.host.v4}`])
  return (await farm.outside({ file: 'curl', args: ['-sko', '/dev/null', '-w', '%{http_code}', ...to, url] })).stdout
}

test('routes come and go, guests get other names, the daemon dies and is back: no request fails', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  await serveFolder(farm, 'web', { 'index.html': 'hello' })
  await farm.croftOk('route', 'add', 'shop.example.org', 'web:8080')
  await farm.waitFor(async () => (await answers()) === '200')
  const there = await visitors()
  const names = ['web', 'shop', 'web', 'shop']
  for (let round = 0; round < 3; round++) {
    const [name = '', next = ''] = names.slice(round)
    await farm.croftOk('route', 'add', `n${round}.example.org`, `${name}:8080`, `aliases=www.n${round}.example.org`)
    await farm.croftOk('rename', name, next)
    // Its certificate is another one with each name.
    await farm.croftOk('route', 'set', 'shop.example.org', `names=also${round}.example.org`)
  }
  await farm.croftOk('route', 'rm', 'n0.example.org')
  await farm.restartDaemon({ kill: 'SIGKILL' })
  await farm.croftOk('route', 'rm', 'n1.example.org', 'n2.example.org')
  const report = await there.leave()
  console.log(JSON.stringify(report))
  assertNoneFailed(report)

  const waiting = await visitors()
  await farm.croftOk('restart', 'shop', '--wait=stable')
  await farm.waitFor(async () => (await answers()) === '200')
  const waited = await waiting.leave()
  console.log(JSON.stringify(waited), (await farm.host({ file: 'sh', args: ['-c', `grep ' 503 ' ${farm.stateDir}/edge/access.log | head -40; tail -5 ${farm.stateDir}/edge/access.log; cat ${farm.stateDir}/edge/messages.log | tail -30; grep -A30 'backend b_' ${farm.stateDir}/edge/haproxy.cfg | head -60`] })).stdout)
  assertNoneFailed(waited)

  const many = Array.from({ length: 1000 }, (_, number) => `m${number}.example.org`)
  const began = performance.now()
  await inParts(many, (name) => farm.api('POST', '/v1/routes', { name, to: 'shop:8080', https: 'off' }))
  console.log('1000 added', performance.now() - began)
  await farm.waitFor(async () => (await answers('http://m999.example.org/')) === '200', 60_000)
  console.log('1000 served', performance.now() - began)
  const among = await visitors()
  const one = performance.now()
  await farm.croftOk('route', 'add', 'last.example.org', 'shop:8080', 'https=off')
  await farm.waitFor(async () => (await answers('http://last.example.org/')) === '200', 60_000)
  console.log('one more served', performance.now() - one)
  await farm.croftOk('route', 'rm', 'm0.example.org')
  await farm.restartDaemon({ kill: 'SIGKILL' })
  const crowded = await among.leave()
  console.log(JSON.stringify(crowded))
  assertNoneFailed(crowded)

  const left = await visitors()
  for (const pid of await edgePids()) process.kill(pid, 'SIGKILL')
  const killed = performance.now()
  await farm.waitFor(async () => (await answers()) === '200', 60_000)
  console.log('killed -9, served again', performance.now() - killed)
  console.log(JSON.stringify(await left.leave()))
  await inParts(['last.example.org', 'shop.example.org', ...many], (name) => farm.api('DELETE', `/v1/routes/${name}`))
})

async function inParts<T>(list: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < list.length; from += 20) await Promise.all(list.slice(from, from + 20).map(work))
}

/** HAProxy's master and workers of this farm. */
async function edgePids(): Promise<number[]> {
  const { stdout } = await farm.host({ file: 'pgrep', args: ['-f', `haproxy .*${farm.stateDir}/`] })
  return stdout
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 1)
}
