/** The host comes up while its store does not: guests are back all the same, and the store is taken when it is there again. */
import assert from 'node:assert/strict'
import { cp, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Finding, Pool, Status } from '../../src/api/resources.ts'
import { createQuick, done, getGuest, quickTemplate, readMark, useQuickFarm, writeMark } from './quick.ts'

const farm = await useQuickFarm()
const folder = join(farm.stateDir, 'store')
const aside = join(farm.stateDir, 'aside')
const keptFile = join(farm.stateDir, 'kept-plan.json')

interface Kept {
  readonly guests: readonly { readonly name: string; readonly spec: { readonly run: string } }[]
}
const kept = async (): Promise<Kept> => JSON.parse(await readFile(keptFile, 'utf8'))

const status = async (): Promise<Status> => (await done(farm, 'GET', '/v1/status')).body as Status
/** With it the pool is opened anew: until then nothing can be made. */
async function storeIsBack(): Promise<void> {
  await farm.waitFor(async () => (await status()).store.ok, 30_000, 'the store')
  const pools = async () => (await done(farm, 'GET', '/v1/pools')).body as Pool[]
  await farm.waitFor(async () => (await pools()).every(({ mounted }) => mounted), 30_000, 'the pool')
}

/** As at a reboot: every guest is dead, and so is the daemon. */
async function cutPower(...names: string[]): Promise<void> {
  const guests = await Promise.all(names.map((name) => getGuest(farm, name)))
  await farm.stopDaemon('SIGKILL')
  for (const { number } of guests) {
    const lxcPath = join(farm.stateDir, 'lxc')
    await farm.host({ file: 'lxc-stop', args: ['-P', lxcPath, '-n', String(number), '-k'] })
  }
}

const addresses = new Map<string, string>()
const addressOf = (name: string): string => addresses.get(name) ?? assert.fail(`no address of ${name}`)

const answersTo = async (name: string): Promise<boolean> =>
  (await farm.host({ file: 'ping', args: ['-c1', '-W1', addressOf(name)] })).code === 0

async function threeGuests(): Promise<void> {
  for (const name of ['web', 'data1', 'idle']) {
    await createQuick(farm, name)
    await writeMark(farm, name, name)
    addresses.set(name, (await getGuest(farm, name)).ipv4)
  }
  await done(farm, 'POST', '/v1/guests/idle/actions', { do: 'kill' })
  await done(farm, 'POST', '/v1/guests/web/ports', { hostPort: 8080, guestPort: 80 })
  await farm.waitFor(async () => /"hostPort":8080/.test(await readFile(keptFile, 'utf8')))
}

async function runByKeptPlan(): Promise<void> {
  await farm.waitFor(async () => (await answersTo('web')) && (await answersTo('data1')), 30_000, 'the guests')
  const { stdout: ruleset } = await farm.host({ file: 'nft', args: ['list', 'ruleset'] })
  assert.match(ruleset, /8080/, 'the published port')
  assert.match(ruleset, new RegExp(addressOf('data1').replaceAll('.', '[.]')))
  assert.equal(await answersTo('idle'), false, 'a stopped guest stays stopped')
}

async function apiRefuses(reason: RegExp): Promise<void> {
  const said = await farm.croft('ls')
  assert.equal(said.code, 7, said.stderr)
  assert.match(said.stderr, reason)
  assert.match(said.stderr, /guests run on/)
  for (const [method, path, body] of [
    ['POST', '/v1/guests', { name: 'more', template: quickTemplate }],
    ['DELETE', '/v1/guests/web', undefined],
    ['GET', '/v1/pools', undefined],
    ['POST', '/v1/farm', {}],
    ['GET', '/v1/operations', undefined],
  ] as const) {
    const reply = await farm.api(method, path, body)
    assert.deepEqual([reply.status, (reply.body as { code: string }).code], [503, 'STORE_CLOSED'], `${method} ${path}`)
  }
  const told = await status()
  assert.equal(told.store.ok, false)
  assert.equal(told.farm?.name, 'meadow')
  assert.match(told.attention[0]?.why ?? '', reason)
  const findings = (await done(farm, 'GET', '/v1/doctor')).body as Finding[]
  const store = findings.find(({ check }) => check === 'store')
  assert.equal(store?.verdict, 'red')
  assert.match(store?.evidence ?? '', reason)
  assert.ok(store?.mend)
}

async function nothingLost(): Promise<void> {
  for (const [name, state] of [
    ['web', 'running'],
    ['data1', 'running'],
    ['idle', 'stopped'],
  ] as const) {
    const guest = await getGuest(farm, name)
    assert.deepEqual([guest.status?.state, guest.ipv4, await readMark(farm, name)], [state, addressOf(name), name])
  }
  await createQuick(farm, 'more')
  const { body: plan } = await done(farm, 'GET', `/v1/hosts/${farm.hostName}/plan`)
  assert.deepEqual((plan as { steps: unknown }).steps, [])
}

test('the store is gone', async () => {
  await threeGuests()
  assert.equal((await stat(keptFile)).mode & 0o777, 0o600)
  await cutPower('web', 'data1')
  await rename(folder, aside)
  await farm.startDaemon()
  await runByKeptPlan()
  await apiRefuses(/is gone/)
  assert.deepEqual(await readdir(folder), [], 'no new store is made in its place')
  await rm(folder, { recursive: true })
  await rename(aside, folder)
  await storeIsBack()
  await nothingLost()
})

test('the store is damaged', async () => {
  await threeGuests()
  await farm.stopDaemon()
  await cp(folder, aside, { recursive: true })
  const file = await open(join(folder, 'croft.db'), 'r+')
  await file.write(Buffer.alloc(8192, 7), 0, 8192, 0)
  await file.close()
  await farm.startDaemon()
  await runByKeptPlan()
  await apiRefuses(/damaged/)
  await rm(folder, { recursive: true })
  await rename(aside, folder)
  await storeIsBack()
  await nothingLost()
})

test('another farm’s store is not taken for ours', async () => {
  await threeGuests()
  await farm.stopDaemon()
  await rename(folder, aside)
  await mkdir(folder, { mode: 0o700 })
  await rename(keptFile, `${keptFile}.aside`)
  await farm.startDaemon()
  await farm.stopDaemon()
  await rename(`${keptFile}.aside`, keptFile)
  await farm.startDaemon()
  await runByKeptPlan()
  await apiRefuses(/no farm/)
  await rm(folder, { recursive: true })
  await rename(aside, folder)
  await storeIsBack()
  await nothingLost()
})

test('one record that a newer croft wrote: nothing of the store is guessed at, or changed', async () => {
  await threeGuests()
  await farm.stopDaemon()
  await cp(folder, aside, { recursive: true })
  const database = new DatabaseSync(join(folder, 'croft.db'))
  database.exec(`UPDATE entry SET value = replace(value, '"schema":1', '"schema":99') WHERE key LIKE 'sizes/%'`)
  const all = () => JSON.stringify(database.prepare('SELECT key, value FROM entry ORDER BY key').all())
  const before = all()
  database.close()
  await farm.startDaemon()
  await runByKeptPlan()
  await apiRefuses(/sizes\/\w+ has schema 99.*a newer croft wrote it/)
  await farm.stopDaemon()
  database.open()
  assert.equal(all(), before)
  database.close()
  await rm(folder, { recursive: true })
  await rename(aside, folder)
  await farm.startDaemon()
  await storeIsBack()
  await nothingLost()
})

test('what was wished meanwhile is not known, and a guest that runs is not stopped for it', async () => {
  await threeGuests()
  const old = await readFile(keptFile)
  await done(farm, 'POST', '/v1/guests/idle/actions', { do: 'start' })
  await farm.waitFor(async () => (await kept()).guests.every(({ spec }) => spec.run === 'running'))
  await farm.stopDaemon('SIGKILL')
  await writeFile(keptFile, old)
  await rename(folder, aside)
  await farm.startDaemon()
  await farm.waitFor(async () => (await status()).guests.running === 3)
  assert.ok(await answersTo('idle'))
  await rm(folder, { recursive: true })
  await rename(aside, folder)
  await storeIsBack()
  assert.equal((await getGuest(farm, 'idle')).status?.state, 'running')
})

test('a second daemon on the same state directory ends at once and disturbs nothing', async () => {
  const second = await farm.croft('daemon')
  assert.equal(second.code, 1)
  assert.match(second.stdout + second.stderr, /runs on .* already/)
  assert.equal((await status()).host, farm.hostName)
})
