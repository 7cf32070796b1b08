/** What is told of guests is what the kernel counts, and what is wrong with one is said without being asked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Usage } from '../../src/api/guest.ts'
import type { Host } from '../../src/api/host.ts'
import type { Status } from '../../src/api/resources.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const mib = 1024 ** 2

/** One sample of the page: of the guest, or the only one. */
async function metric(name: string, guest?: string): Promise<number> {
  const { status, text } = await farm.api('GET', '/metrics')
  assert.equal(status, 200)
  const line = text.split('\n').find((each) => each.startsWith(`${name}{${guest ? `guest="${guest}"` : ''}`))
  assert.ok(line, `${name} in\n${text}`)
  return Number(line.split(' ').at(-1))
}

const attention = async (): Promise<string[]> =>
  (await farm.json<Status>('status')).attention.map(({ what, why, do: next }) => `${what}: ${why} → ${next}`)

test('figures agree with the guest itself; a full disk and a kill for want of memory are said', async () => {
  await farm.croftOk('create', 'web', 'debian:12', 'memory=96M', 'disk=300M', '--wait=stable')
  assert.deepEqual(await attention(), [])

  await farm.inGuest('web', 'sh', '-c', 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done')
  await farm.croft('exec', 'web', '--', 'sh', '-c', 'head -c 400M /dev/zero > /srv/fill; sync')
  const killed = await farm.croft('exec', 'web', '--', 'sh', '-c', 'tail /dev/zero')
  assert.equal(killed.code, 137)

  const disk = /^web: its disk is (full|9\d% full): .* of 300M → croft set web disk=450M$/
  const memory =
    /^web: 1 process was killed for want of memory since its start, it may use 96M → croft set web memory=144M$/
  await farm.waitFor(async () => {
    const lines = await attention()
    return lines.some((line) => disk.test(line)) && lines.some((line) => memory.test(line))
  })
  assert.match(await farm.croftOk('status'), /waits {2}cpu \d+% {3}memory \d+% {3}io \d+%\n/)

  const before = Number(await farm.inGuest('web', 'cat', '/sys/class/net/eth0/statistics/rx_bytes'))
  const [usage] = await farm.json<Usage[]>('top', 'web')
  assert.ok(usage && usage.memoryLimit === 96 * mib && usage.diskLimit === 300 * mib)
  assert.ok((usage.diskWriteBytes ?? 0) > 0 && (usage.diskBytes ?? 0) > 250 * mib && usage.oomKills === 1)
  assert.ok((usage.netInBytes ?? 0) >= before && (usage.cpuPercent ?? -1) >= 0)
  for (const [name, least] of [
    ['croft_guest_cpu_seconds_total', usage.cpuSeconds],
    ['croft_guest_disk_bytes', 250 * mib],
    ['croft_guest_network_receive_bytes_total', before],
    ['croft_guest_oom_kills_total', 1],
    ['croft_guest_up', 1],
    ['croft_guest_processes', 1],
  ] as const)
    assert.ok((await metric(name, 'web')) >= (least ?? Number.NaN), name)
  assert.equal(await metric('croft_guest_memory_limit_bytes', 'web'), 96 * mib)
  assert.ok((await metric('croft_guest_memory_bytes', 'web')) < 96 * mib)
  assert.equal(await metric('croft_store_up'), 1)

  const wide = await farm.croftOk('ls', '-o', 'wide')
  assert.match(wide, /USEDMEMORY {2,}USEDDISK.* OUT\n/)
  assert.doesNotMatch(await farm.croftOk('ls'), /USED/)
  assert.match(await farm.croftOk('ls', '--sort', '-useddisk'), /web/)

  const absurd = await farm.croft('set', 'web', 'cpu=1000', 'memory=100T')
  assert.equal(absurd.code, 0)
  assert.match(absurd.stderr, /cpu=1000 is more than the host has .*\n.*memory=100T is more than the host has/)
  await farm.croftOk('set', 'web', 'disk=1G', 'memory=256M', 'cpu=1')
  await farm.croftOk('restart', 'web')
  await farm.waitFor(async () => (await attention()).length === 0, 30_000, 'a farm without trouble')
})

test('metrics: as Prometheus reads them, for readers too, and without a word on guests that are not there', async () => {
  const page = await farm.croftOk('api', 'GET', '/metrics')
  assert.match(page, /^# TYPE croft_build_info gauge$/m)
  assert.doesNotMatch(page, /croft_guest_/)
  assert.equal((await farm.api('GET', '/metrics')).type, 'text/plain; version=0.0.4; charset=utf-8')
  const host = await farm.json<Host>('host', 'show')
  assert.ok(host.pressure && host.pressure.cpu.someSeconds > 0)
})
