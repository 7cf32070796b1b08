/** The daemon goes and comes, the host crashes, somebody flushes the firewall: guests run on, or come back. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import { at, type TestFarm, useFarm } from './farm.ts'
import { get, initOf, outside4, serve, serveOutside, show, stateOf } from './guests.ts'

const farm = await useFarm()
await serveOutside(farm, 80)

const running = async (name: string): Promise<boolean> => (await stateOf(farm, name)) === 'running'
const runsAgain = (...names: string[]) =>
  farm.waitFor(async () => (await Promise.all(names.map(running))).every(Boolean), 60_000, `${names} running`)

test('stop, kill and start of the daemon disturb no guest and no connection', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '-p', '8080:80', '--wait=stable')
  await serve(farm, 'web', 80, 'hold')
  const before = await initOf(farm, 'web')
  const counting = count(farm)
  for (const kill of ['SIGTERM', 'SIGKILL'] as const) {
    await farm.stopDaemon(kill)
    assert.equal((await farm.croft('ls')).code, 7)
    const seen = counting.last()
    await farm.waitFor(() => counting.last() > seen + 2, 10_000, 'the connection')
    await farm.startDaemon()
    assert.equal(await initOf(farm, 'web'), before)
    await runsAgain('web')
    await farm.waitFor(() => counting.last() > seen + 5, 10_000, 'the connection')
  }
  assert.equal(await counting.end(), true, 'one connection all along')
  assert.equal((await farm.json<unknown[] | { steps: unknown[] }>('host', 'plan').then(stepsOf)).length, 0)
})

test('after a crash of the host guests start again, in their order, but for those that shall not', async () => {
  const create = (name: string, ...words: string[]) => farm.croftOk('create', name, 'debian:12', ...words)
  await Promise.all([
    create('third', 'order=30'),
    create('first', 'order=-5'),
    create('second', 'order=7'),
    create('manual', 'autostart=false'),
    create('off', '--no-start'),
  ])
  const before = await farm.json<Guest[]>('ls')
  const addresses = before.map(({ name, ipv4 }) => `${name} ${ipv4}`)
  await crash(farm)
  await farm.startDaemon()
  await runsAgain('first', 'second', 'third')
  // A guest runs a moment before its status says so, and since when.
  for (const name of ['first', 'second', 'third'])
    await farm.waitFor(async () => (await stateOf(farm, name)) === 'running')
  const guests = await farm.json<Guest[]>('ls')
  assert.deepEqual(
    guests.map(({ name, ipv4 }) => `${name} ${ipv4}`),
    addresses,
  )
  const startOf = (name: string) => guests.find((guest) => guest.name === name)?.status?.startedAt ?? ''
  assert.ok(
    startOf('first') <= startOf('second') && startOf('second') <= startOf('third'),
    JSON.stringify(guests.map((g) => g.status)),
  )
  assert.equal(await stateOf(farm, 'off'), 'stopped')
  assert.notEqual(await stateOf(farm, 'manual'), 'running')
  await farm.croftOk('start', 'manual')
  assert.ok(await running('manual'))
})

test('a guest whose monitor is killed comes back while the daemon watches', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  const before = await initOf(farm, 'web')
  for (const pid of monitors(farm)) process.kill(pid, 'SIGKILL')
  await farm.waitFor(async () => (await initOf(farm, 'web').catch(() => before)) !== before, 60_000, 'another init')
})

test('a firewall flushed from outside is written again, and was not open meanwhile', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '-p', '8080:80')
  await farm.croftOk('create', 'near', 'debian:12')
  await serve(farm, 'web', 80)
  const { ipv4 } = await show(farm, 'web')
  assert.notEqual(await get(farm, 'outside', `${at.host.v4}:8080`), undefined)
  // The daemon looks around by itself now and again, and may mend it before it is asked.
  let plans: string[] = []
  for (let tries = 0; tries < 3 && !plans.includes('firewall'); tries++) {
    assert.equal((await farm.host({ file: 'nft', args: ['flush', 'ruleset'] })).code, 0)
    const plan = await farm.json<{ what: string }[] | { steps: { what: string }[] }>('host', 'plan').then(stepsOf)
    plans = (plan as { what: string }[]).map(({ what }) => what)
  }
  assert.ok(plans.includes('firewall'), JSON.stringify(plans))
  await farm.croftOk('host', 'apply')
  assert.notEqual(await get(farm, 'outside', `${at.host.v4}:8080`), undefined)
  assert.notEqual(await get(farm, { guest: 'near' }, outside4), undefined)
  assert.equal(await get(farm, { guest: 'near' }, ipv4, 0.4), undefined)
  await farm.restartDaemon({ kill: 'SIGKILL' })
  assert.notEqual(await get(farm, 'outside', `${at.host.v4}:8080`), undefined)
})

test('wishes written just before the daemon dies are met by the next', async () => {
  await farm.croftOk('create', 'stays', 'debian:12')
  await farm.croftOk('create', 'goes', 'debian:12')
  await farm.croft('create', 'comes', 'debian:12', '--no-wait')
  await farm.croft('rm', 'goes', '-y', '--no-wait')
  await farm.croft('stop', 'stays', '--no-wait')
  await farm.restartDaemon({ kill: 'SIGKILL' })
  await runsAgain('comes')
  await farm.waitFor(async () => (await farm.croft('show', 'goes')).code === 3)
  await farm.waitFor(async () => (await stateOf(farm, 'stays')) === 'stopped')
  const ops = await farm.json<{ state: string }[]>('op', 'ls')
  assert.deepEqual(
    ops.filter(({ state }) => state === 'running'),
    [],
  )
})

const stepsOf = (said: unknown): unknown[] => (Array.isArray(said) ? said : (said as { steps: unknown[] }).steps)

/** Monitors and all that runs in guests die at once, as without power; the daemon first. */
async function crash(of: TestFarm): Promise<void> {
  await of.stopDaemon('SIGKILL')
  const all = monitors(of)
  const inits = all.flatMap((pid) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number),
  )
  for (const pid of [...all, ...inits]) if (pid > 1) process.kill(pid, 'SIGKILL')
  await of.waitFor(() => monitors(of).length === 0)
}

function monitors(of: TestFarm): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    const line = cmdline(name)
    return line.startsWith(`[lxc monitor] ${join(of.stateDir, 'lxc')} `) ? [Number(name)] : []
  })
}

function cmdline(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Follows the counting server through a process outside, as the numbers come. */
function count(of: TestFarm): { last(): number; end(): Promise<boolean> } {
  const child = of.background(
    'outside',
    { file: 'curl', args: ['-sN', '--http0.9', `http://${at.host.v4}:8080/`] },
    'pipe',
  )
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return {
    last: () => Number(text.trim().split('\n').at(-1)) || 0,
    async end() {
      const alive = child.exitCode === null
      child.kill('SIGKILL')
      return alive
    },
  }
}
