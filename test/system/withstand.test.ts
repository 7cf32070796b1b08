/** What goes wrong around the daemon: a store that fails or is full while it works, many who want the same, a wrong clock. */
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import type { HistoryEntry, Operation, Status } from '../../src/api/resources.ts'
import { createQuick, done, getGuest, quickTemplate, readMark, useQuickFarm, writeMark } from './quick.ts'

const farm = await useQuickFarm()
const storeFolder = join(farm.stateDir, 'store')

const plan = async (): Promise<unknown> =>
  ((await done(farm, 'GET', `/v1/hosts/${farm.hostName}/plan`)).body as { steps: unknown }).steps
/** Undefined in the moment in which the daemon has not seen it yet. */
const isStoreThere = async (): Promise<boolean | undefined> => {
  const { status, body } = await farm.api('GET', '/v1/status')
  return status === 200 ? (body as Status).store.ok : undefined
}
const storeIsBack = () => farm.waitFor(async () => (await isStoreThere()) === true, 30_000, 'the store')
const answersTo = async ({ ipv4 }: Guest): Promise<boolean> =>
  (await farm.host({ file: 'ping', args: ['-c1', '-W1', ipv4] })).code === 0

/** The disk of the store errs: no file of the daemon can grow. */
const limitFiles = (bytes: string) =>
  farm.host({ file: 'prlimit', args: ['--pid', String(farm.daemonPid), `--fsize=${bytes}:`] })

test('the store fails while the daemon works: it closes, guests live, and it is taken again when it can be', async () => {
  await createQuick(farm, 'web')
  await writeMark(farm, 'web', 'whole')
  const guest = await getGuest(farm, 'web')
  assert.equal((await limitFiles('1')).code, 0)
  try {
    const said = await farm.croft('set', 'web', 'memory=300M')
    assert.ok([1, 7].includes(said.code ?? 0), said.stderr)
    assert.match(said.stderr, /store/)
    await farm.waitFor(async () => (await isStoreThere()) === false, 30_000, 'the daemon that knows')
    assert.equal((await farm.api('GET', '/v1/guests')).status, 503)
    assert.ok(await answersTo(guest))
  } finally {
    await limitFiles('unlimited')
    await storeIsBack()
  }
  const after = await getGuest(farm, 'web')
  assert.equal(after.status?.startedAt, guest.status?.startedAt, 'it ran on')
  assert.ok([1024, 300].includes((after.spec.limits.memoryBytes ?? 0) / 1024 ** 2), 'the change is there or it is not')
  await farm.croftOk('set', 'web', 'memory=200M')
  assert.equal(await readMark(farm, 'web'), 'whole')
  assert.deepEqual(await plan(), [])
})

test('the disk of the store is full: writes are refused with a clear line until there is room', async () => {
  await createQuick(farm, 'web')
  await farm.stopDaemon()
  const aside = join(farm.stateDir, 'aside')
  await farm.host({ file: 'cp', args: ['-a', storeFolder, aside] })
  await farm.host({ file: 'mount', args: ['-t', 'tmpfs', '-o', 'size=32M,mode=0700', 'tmpfs', storeFolder] })
  try {
    await farm.host({ file: 'cp', args: ['-a', `${aside}/.`, storeFolder] })
    await farm.startDaemon()
    const stuffing = join(storeFolder, 'stuffing')
    await farm.host({ file: 'dd', args: ['if=/dev/zero', `of=${stuffing}`, 'bs=64K'] })
    const seen = await untilRefused()
    assert.equal(seen.code, 1)
    assert.match(seen.stderr, /store .*(cannot grow|disk is full)/)
    assert.match(seen.stderr, /→ croft doctor/)
    assert.equal((await farm.croft('ls')).code, 0, 'reading works')
    assert.equal(await farm.inGuest('web', 'hostname'), 'web')
    await rm(stuffing)
    await farm.croftOk('set', 'web', 'memory=210M')
    await farm.croftOk('stop', 'web')
    assert.deepEqual(await plan(), [])
    await farm.croftOk('rm', 'web', '-y')
    await farm.stopDaemon()
    await farm.host({ file: 'cp', args: ['-a', `${storeFolder}/.`, aside] })
  } finally {
    await farm.stopDaemon()
    await farm.host({ file: 'umount', args: [storeFolder] })
    await farm.host({ file: 'cp', args: ['-a', `${aside}/.`, storeFolder] })
    await rm(aside, { recursive: true })
    await farm.startDaemon()
  }
})

/** What the store has set aside may take a few more writes. */
async function untilRefused() {
  for (let megabytes = 100; ; megabytes++) {
    const said = await farm.croft('set', 'web', `memory=${megabytes}M`, `label.note=${'x'.repeat(200)}`)
    if (said.code !== 0) return said
    assert.ok(megabytes < 200, 'the store never was full')
  }
}

test('twenty commands change one guest at the same time: each is done or told of, and none is lost', async () => {
  await createQuick(farm, 'shared')
  const before = await getGuest(farm, 'shared')
  const labels = Array.from({ length: 20 }, (_, index) => `k${index}`)
  const said = await Promise.all(labels.map((label) => farm.croft('set', 'shared', `label.${label}=yes`)))
  const lost = said.filter(({ code }) => code !== 0 && code !== 5)
  assert.deepEqual(
    lost.map(({ stderr }) => stderr),
    [],
  )
  const wanted = labels.filter((_, index) => said[index]?.code === 0)
  const after = await getGuest(farm, 'shared')
  assert.deepEqual(Object.keys(after.spec.labels).sort(), wanted.sort())
  assert.equal(after.generation, before.generation + wanted.length)
  const { body } = await done(farm, 'GET', '/v1/history?kind=guest&name=shared')
  assert.equal((body as HistoryEntry[]).filter(({ verb }) => verb === 'set').length, wanted.length)
  const stale = await farm.croft('set', 'shared', 'memory=300M', '--if-revision', String(before.revision))
  assert.equal(stale.code, 5)
  assert.deepEqual(await plan(), [])
})

test('thirty guests asked for at once, twice: no number is given to two, nor again', async () => {
  const numbers: number[] = []
  for (const round of ['a', 'b']) {
    const names = Array.from({ length: 30 }, (_, index) => `${round}${index}`)
    const asked = (name: string) => ({ name, template: quickTemplate, start: false })
    const made = await Promise.all(names.map((name) => farm.api('POST', '/v1/guests?wait=60000', asked(name))))
    assert.deepEqual(
      made.filter(({ status }) => status !== 200).map(({ text }) => text),
      [],
    )
    const guests = (await done(farm, 'GET', '/v1/guests')).body as Guest[]
    numbers.push(...guests.map(({ number }) => number))
    const gone = await Promise.all(names.map((name) => farm.api('DELETE', `/v1/guests/${name}?wait=60000`)))
    assert.ok(gone.every(({ status }) => status === 200))
  }
  assert.equal(numbers.length, 60)
  assert.equal(new Set(numbers).size, 60)
})

test('the same name asked for ten times at once: one gets it', async () => {
  const asked = { name: 'only', template: quickTemplate }
  const replies = await Promise.all(Array.from({ length: 10 }, () => farm.api('POST', '/v1/guests?wait=60000', asked)))
  const codes = replies.map(({ status }) => status).sort()
  assert.deepEqual(codes, [200, ...Array.from({ length: 9 }, () => 409)])
})

test('the clock is set back an hour, and forth a day: all goes on', async () => {
  const clock = join(farm.stateDir, 'clock')
  await writeFile(clock, '+0')
  await farm.restartDaemon({
    env: {
      LD_PRELOAD: '/usr/$LIB/faketime/libfaketime.so.1',
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  })
  await createQuick(farm, 'hours')
  const before = await getGuest(farm, 'hours')
  await writeFile(clock, '-3600')
  await createQuick(farm, 'past')
  const past = await getGuest(farm, 'past')
  const hours = (Date.parse(before.created) - Date.parse(past.created)) / 3_600_000
  assert.ok(hours > 0.9 && hours < 1.1, `the daemon's clock is ${hours} h back`)
  await farm.croftOk('set', 'hours', 'memory=300M')
  await farm.croftOk('snapshot', 'add', 'hours')
  await farm.croftOk('restart', 'hours')
  await farm.croftOk('rm', 'past', '-y')
  await createQuick(farm, 'again')
  assert.notEqual((await getGuest(farm, 'again')).number, past.number, 'a freed number rests')
  await writeFile(clock, '+86400')
  await farm.croftOk('stop', 'hours')
  await farm.croftOk('start', 'hours')
  const { body } = await done(farm, 'GET', '/v1/operations')
  assert.deepEqual(
    (body as Operation[]).filter(({ state }) => state === 'running'),
    [],
  )
  const history = (await done(farm, 'GET', '/v1/history?kind=guest&name=hours')).body as HistoryEntry[]
  const inOrder = history.toSorted((one, other) => one.revision - other.revision).map(({ verb }) => verb)
  assert.deepEqual(inOrder, ['create', 'set', 'restart', 'stop', 'start'])
  assert.deepEqual(await plan(), [])
  await farm.croftOk('rm', '--all', '-y')
  await farm.restartDaemon()
})
