/** Limits as the guest feels them, changed while it runs; and guests that go beyond them. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Usage } from '../../src/api/guest.ts'
import { useFarm } from './farm.ts'
import { initOf } from './guests.ts'

const farm = await useFarm()
const mib = 1024 ** 2

/** Tells how often it was let run in a second of the wall clock, in processor milliseconds. */
const spin = `use Time::HiRes qw(time); my $end = time + 2; 1 while time < $end; my ($u, $s) = times; print int(1000 * ($u + $s) / 2)`
const takeMemory = (megabytes: number) =>
  `my @held; push @held, 'x' x 1048576 for 1 .. ${megabytes}; print scalar @held`
/** Says how many there could be, and ends them: with none left to start, nobody else could. */
const forkUntilRefused =
  'my @all; while (@all < 1000) { my $pid = fork; last unless defined $pid; if (!$pid) { sleep 600; exit } push @all, $pid } print scalar @all; kill 9, @all'

const perl = (guest: string, program: string) => farm.croft('exec', guest, '--', 'perl', '-e', program)
const usage = async (guest: string): Promise<Usage> => {
  const all = await farm.json<Usage[]>('top')
  const found = all.find(({ name }) => name === guest)
  assert.ok(found)
  return found
}

test('memory, processes, processors and disk hold inside, and change while it runs', async () => {
  await farm.croftOk(
    'create',
    'web',
    'debian:12',
    'memory=128M',
    'processes=60',
    'cpu=0.25',
    'disk=300M',
    '--wait=stable',
  )
  const before = await initOf(farm, 'web')
  assert.notEqual((await perl('web', takeMemory(200))).stdout, '200')
  assert.equal(await initOf(farm, 'web'), before, 'its init outlives what takes too much')
  assert.ok(Number((await perl('web', forkUntilRefused)).stdout) < 60)
  const share = Number((await perl('web', spin)).stdout)
  assert.ok(share < 500, `${share} ms of processor time a second, limit 250`)
  const full = await farm.croft('exec', 'web', '--', 'dd', 'if=/dev/urandom', 'of=/srv/big', 'bs=1M', 'count=600')
  assert.notEqual(full.code, 0)
  assert.match(full.stderr, /quota|No space/i)
  const seen = await usage('web')
  assert.deepEqual([seen.memoryLimit, seen.processLimit, seen.diskLimit], [128 * mib, 60, 300 * mib])
  assert.ok((seen.memoryBytes ?? 0) > mib && (seen.processes ?? 0) > 3 && (seen.diskBytes ?? 0) > 100 * mib)

  await farm.croftOk('set', 'web', 'memory=400M', 'processes=300', 'cpu=', 'disk=1G')
  assert.equal((await perl('web', takeMemory(200))).stdout, '200')
  assert.ok(Number((await perl('web', forkUntilRefused)).stdout) > 100)
  await farm.inGuest('web', 'dd', 'if=/dev/zero', 'of=/srv/big', 'bs=1M', 'count=100')
  await farm.croftOk('set', 'web', 'memory=100M')
  assert.notEqual((await perl('web', takeMemory(200))).stdout, '200')
  assert.equal(await initOf(farm, 'web'), before, 'all that while it ran')
  assert.equal((await usage('web')).memoryLimit, 100 * mib)
})

test('a guest that forks without end or fills memory harms neither host nor neighbour, and can be removed', async () => {
  await farm.croftOk('create', 'calm', 'debian:12')
  await farm.croftOk('create', 'bomb', 'debian:12', 'processes=200', 'memory=200M', 'cpu=0.5', '--wait=stable')
  // The first process ends when all are there, or exec would wait for it.
  const bomb = `$SIG{CHLD} = 'IGNORE'; exit if fork; my @held; while (1) { fork; push @held, 'x' x 100000 if @held < 40; select undef, undef, undef, 0.01 }`
  await perl('bomb', bomb)
  await farm.waitFor(async () => ((await usage('bomb')).processes ?? 0) > 150, 30_000, 'the bomb')
  assert.ok(((await usage('bomb')).processes ?? 0) <= 200)
  assert.ok(((await usage('bomb')).memoryBytes ?? 0) <= 200 * mib)
  assert.equal(await farm.inGuest('calm', 'hostname'), 'calm')
  assert.ok(Number(/MemAvailable:\s+(\d+)/.exec(await readFile('/proc/meminfo', 'utf8'))?.[1]) > 500_000)
  await farm.croftOk('rm', 'bomb', '-y')
  assert.equal(await farm.inGuest('calm', 'hostname'), 'calm')
})

test('a guest whose disk is full stops, starts, is snapshotted, enlarged and removed', async () => {
  await farm.croftOk('create', 'full', 'debian:12', 'disk=280M', '--wait=stable')
  const fill = await farm.croft('exec', 'full', '--', 'dd', 'if=/dev/urandom', 'of=/srv/big', 'bs=1M')
  assert.notEqual(fill.code, 0)
  await farm.croft('exec', 'full', '--', 'sh', '-c', 'for i in $(seq 200); do echo $i > /srv/$i || break; done')
  await farm.croftOk('snapshot', 'add', 'full@brim')
  await farm.croftOk('restart', 'full', '--wait=stable')
  await farm.croftOk('set', 'full', 'disk=350M')
  await farm.inGuest('full', 'dd', 'if=/dev/zero', 'of=/srv/more', 'bs=1M', 'count=20')
  await farm.croftOk('clone', 'full@brim', 'again')
  assert.equal(await farm.inGuest('again', 'hostname'), 'again')
  await farm.croft('exec', 'full', '--', 'dd', 'if=/dev/urandom', 'of=/srv/big2', 'bs=1M', 'count=200')
  await farm.croftOk('rm', 'full', '-y')
})

test('sizes give limits, and single limits override them', async () => {
  await farm.croftOk('create', 'web', 'debian:12', 'size=tiny', 'memory=96M', '--no-start')
  const { spec } = await farm.json<{ spec: { limits: Record<string, number>; size: string } }>('show', 'web')
  assert.equal(spec.size, 'tiny')
  assert.deepEqual([spec.limits.memoryBytes, spec.limits.processes], [96 * mib, 500])
  assert.equal((await farm.croft('set', 'web', 'size=huge')).code, 3)
})

test('the rate of the disk reaches the kernel at the start, changes live and goes away', async () => {
  await farm.croftOk('create', 'web', 'debian:12', 'disk-rate=4M')
  const { number } = await farm.json<{ number: number }>('show', 'web')
  const rates = () => readRates(number)
  assert.match(await rates(), /^\d+:\d+ 4194304$/m)
  await farm.croftOk('set', 'web', 'disk-rate=8M')
  assert.match(await rates(), /^\d+:\d+ 8388608$/m)
  await farm.croftOk('set', 'web', 'disk-rate=none')
  assert.doesNotMatch(await rates(), /\d+:\d+ \d{4,}/)
})

/** Of cgroup v1, in the folder of the guest's own processes, or of v2, whichever the machine has. */
async function readRates(number: number): Promise<string> {
  const folder = `${farm.where.cgroup}.1/${number}/guest`
  const v1 = await readFile(`/sys/fs/cgroup/blkio/${folder}/ns/blkio.throttle.write_bps_device`, 'utf8').catch(
    () => undefined,
  )
  return v1 ?? (await readFile(`/sys/fs/cgroup/${folder}/io.max`, 'utf8')).replaceAll(/ rbps=(\d+).*/g, ' $1')
}
