/** Who reaches whom: real guests, a real host, and a world outside. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { RuleView } from '../../src/api/guest.ts'
import { at, useFarm } from './farm.ts'
import { get, outside4, outside6, serve, serveOutside, show } from './guests.ts'

const farm = await useFarm()
await serveOutside(farm, 80)
await serveOutside(farm, 81)

const seen = (from: Parameters<typeof get>[1], to: string) => get(farm, from, to)
const blocked = async (from: Parameters<typeof get>[1], to: string, what: string) =>
  assert.equal(await get(farm, from, to, 0.4), undefined, what)
const create = (name: string, ...words: string[]) => farm.croftOk('create', name, 'debian:12', ...words)
const rules = (name: string) => farm.json<RuleView[]>('allow', name)

test('a guest reaches the outside as its host; nothing reaches it but published ports', async () => {
  await Promise.all([create('web', '-p', '8080:80'), create('near')])
  await serve(farm, 'web', 80)
  const { ipv4, ipv6 } = await show(farm, 'web')
  assert.equal(await seen({ guest: 'web' }, outside4), `outside sees ${at.host.v4}`)
  assert.equal(await seen({ guest: 'web' }, outside6), `outside sees ${at.host.v6}`)
  assert.equal(await seen('outside', `${at.host.v4}:8080`), `web sees ${at.outside.v4}`)
  assert.equal(await seen('outside', `[${at.host.v6}]:8080`), `web sees ${at.outside.v6}`)
  assert.match((await seen('host', '127.0.0.1:8080')) ?? '', /^web sees /)
  assert.match((await seen('host', `${at.host.v4}:8080`)) ?? '', /^web sees /)
  assert.match((await seen({ guest: 'near' }, `${at.host.v4}:8080`)) ?? '', /^web sees /, 'from a neighbour')
  assert.match((await seen({ guest: 'web' }, `${at.host.v4}:8080`)) ?? '', /^web sees /, 'from itself')
  assert.match((await seen('host', ipv4)) ?? '', /^web sees /, 'the host reaches its guests')
  await blocked('outside', ipv4, 'outside to the guest itself')
  await blocked('outside', `[${ipv6}]`, 'outside to the guest itself, v6')
  await blocked({ guest: 'near' }, ipv4, 'guest to guest')
  await blocked({ guest: 'near' }, `[${ipv6}]`, 'guest to guest, v6')
  farm.background('host', { file: 'perl', args: [new URL('who.pl', import.meta.url).pathname, 'host', '90'] })
  await farm.waitFor(async () => (await seen('outside', `${at.host.v4}:90`)) !== undefined)
  for (const address of [at.host.v4, '169.254.0.1', `[${at.host.v6}]`])
    await blocked({ guest: 'near' }, `${address}:90`, `guest to its host at ${address}`)
  assert.equal((await farm.croft('exec', 'near', '--', 'ping', '-c1', '-W2', outside4)).code, 0)
})

test('published ports: a conflict names the holder, a removal takes it away, a restart keeps it', async () => {
  await Promise.all([create('web'), create('other')])
  await serve(farm, 'web', 80)
  await farm.croftOk('port', 'web', '8080:80')
  assert.equal(await seen('outside', `${at.host.v4}:8080`), `web sees ${at.outside.v4}`)
  const conflict = await farm.croft('port', 'other', '8080:80')
  assert.equal(conflict.code, 5)
  assert.match(conflict.stderr, /8080.*published by guest/)
  assert.equal((await farm.croft('create', 'third', 'debian:12', '-p', '8080:1')).code, 5)
  assert.equal((await farm.croft('show', 'third')).code, 3)
  await farm.croftOk('port', 'other', '8080:80/udp')
  await farm.croftOk('port', 'web', '--rm', '8080')
  await blocked('outside', `${at.host.v4}:8080`, 'a port that was taken away')
  await blocked('host', '127.0.0.1:8080', 'a port that was taken away, from the host')
  await farm.croftOk('port', 'other', '8080:80')
  await farm.croftOk('port', 'web', '8081:80')
  const { ipv4 } = await show(farm, 'web')
  await farm.croftOk('restart', 'web')
  assert.equal((await show(farm, 'web')).ipv4, ipv4)
  await serve(farm, 'web', 80)
  assert.equal(await seen('outside', `${at.host.v4}:8081`), `web sees ${at.outside.v4}`)
})

test('allow and deny between guests; a deny beats; counters; what can never match is told', async () => {
  await Promise.all([create('web'), create('near'), create('far')])
  await serve(farm, 'web', 80)
  const { ipv4, ipv6 } = await show(farm, 'web')
  await farm.croftOk('allow', 'web', 'from', 'near', 'tcp/80')
  assert.match((await seen({ guest: 'near' }, ipv4)) ?? '', /^web sees 10\.100\./, 'with its own address')
  assert.match((await seen({ guest: 'near' }, `[${ipv6}]`)) ?? '', /^web sees fd/)
  await blocked({ guest: 'far' }, ipv4, 'another guest')
  await farm.croftOk('restart', 'near')
  assert.match((await seen({ guest: 'near' }, ipv4)) ?? '', /^web sees/, 'after its restart')
  await farm.croftOk('allow', 'web', 'from', 'near', 'tcp/80')
  await farm.croftOk('deny', 'web', 'from', 'near', 'tcp/80')
  await blocked({ guest: 'near' }, ipv4, 'a deny beats')
  const told = await rules('web')
  assert.equal(told.length, 2)
  assert.ok(
    told.some(({ action, never }) => action === 'allow' && never),
    JSON.stringify(told),
  )
  assert.ok(
    told.some(({ action, packets }) => action === 'deny' && (packets ?? 0) > 0),
    JSON.stringify(told),
  )
  await farm.croftOk('deny', 'web', '--rm', 'from', 'near', 'tcp/80')
  assert.match((await seen({ guest: 'near' }, ipv4)) ?? '', /^web sees/)
  await farm.croftOk('allow', 'web', '--all', '--rm')
  await blocked({ guest: 'near' }, ipv4, 'no rule left')
  await farm.croftOk('allow', 'web', 'from', 'nobody', 'tcp/80')
  assert.match((await rules('web'))[0]?.never ?? '', /nobody/)
})

test('the first `to` makes the way out a list of what is allowed; a deny closes one way', async () => {
  await create('web')
  await farm.croftOk('deny', 'web', 'to', `${at.outside.v4}/32`, 'tcp/81')
  await blocked({ guest: 'web' }, `${outside4}:81`, 'denied')
  assert.notEqual(await seen({ guest: 'web' }, outside4), undefined)
  await farm.croftOk('allow', 'web', 'to', '203.0.113.0/24', 'tcp/443')
  await blocked({ guest: 'web' }, outside4, 'not on the list')
  await farm.croftOk('allow', 'web', 'to', at.outside.v4, 'tcp/80')
  assert.notEqual(await seen({ guest: 'web' }, outside4), undefined)
  await blocked({ guest: 'web' }, outside6, 'not on the list either')
  await farm.croftOk('allow', 'web', '--rm', '--all')
  assert.notEqual(await seen({ guest: 'web' }, outside6), undefined)
})

test('packets with the address of somebody else leave no guest', async () => {
  await Promise.all([create('liar'), create('near')])
  const near = await show(farm, 'near')
  const liar = await show(farm, 'liar')
  await serve(farm, 'near', 80)
  await farm.croftOk('allow', 'near', 'from', '198.51.100.0/24', 'tcp/80')
  const counter = await farm.outside({ file: 'nft', args: ['-f', '-'], stdin: heard(near.ipv4, '192.0.2.66') })
  assert.equal(counter.code, 0, counter.stderr)
  const raw = readFileSync(new URL('spoof.pl', import.meta.url), 'utf8')
  const send = async (...words: string[]) => {
    const said = await farm.croftWith({ stdin: raw }, 'exec', 'liar', '--', 'perl', '-', ...words)
    assert.equal(said.code, 0, said.stderr)
  }
  await send(liar.ipv4, at.outside.v4)
  await farm.waitFor(async () => (await packets('honest')) > 0, 10_000, 'an honest packet')
  for (const source of [near.ipv4, '192.0.2.66', '10.100.200.9', '127.0.0.1', at.host.v4]) {
    await send(source, at.outside.v4)
    await send(source, near.ipv4)
  }
  await farm.inGuest('liar', 'ip', 'address', 'add', '192.0.2.66/32', 'dev', 'eth0')
  const said = await farm.croft('exec', 'liar', '--', 'curl', '-s', '-m', '0.5', '--interface', '192.0.2.66', outside4)
  assert.notEqual(said.code, 0)
  await farm.inGuest('liar', 'ip', 'address', 'add', `${near.ipv4}/32`, 'dev', 'eth0')
  await blocked('host', `${near.ipv4}:81`, 'the neighbour’s address stays with the neighbour')
  assert.match((await seen('host', near.ipv4)) ?? '', /^near sees/)
  assert.equal(await packets('spoofed'), 0)
})

/** Counts what comes out of the host, by the port that spoof.pl sends to; the host answers for honest guests alone. */
function heard(...never: string[]): string {
  return `table inet heard {
    counter honest { }
    counter spoofed { }
    chain in { type filter hook prerouting priority -400;
      udp dport 7777 ip saddr { ${never.join(', ')}, 10.100.0.0/16 } counter name spoofed
      udp dport 7777 udp sport 7001 counter name honest
    }
  }`
}

async function packets(name: string): Promise<number> {
  const { stdout } = await farm.outside({ file: 'nft', args: ['list', 'counter', 'inet', 'heard', name] })
  return Number(/packets (\d+)/.exec(stdout)?.[1])
}
