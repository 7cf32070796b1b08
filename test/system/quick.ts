/** Guests that start and stop in no time: the test template with a shell script as its init. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createTestFarm, type TestFarm } from './farm.ts'
import type { Reply } from './request.ts'

export const quickTemplate = 'quick:1'

/** Ends at SIGPWR, as inits that are not systemd are asked to; says when it listens. */
const lasting = ['#!/bin/sh', "trap 'exit 0' PWR", '>/srv/up', 'while :; do sleep 1000 & wait $!; done', ''].join('\n')

/** Like `useFarm`, with the quick template there before the first test. */
export async function useQuickFarm(): Promise<TestFarm> {
  const farm = await createTestFarm()
  let failed = false
  after(() => farm.dispose({ keepLog: failed }))
  await addQuickTemplate(farm)
  const empty = await farm.picture()
  afterEach(async (context) => {
    if ('passed' in context && !context.passed) failed = true
    await farm.removeGuests()
    // Where the kernel does not take a qgroup along with its subvolume, croft does a minute later.
    const left = await farm.leftovers(empty, 90_000)
    if (left.length > 0) failed = true
    assert.deepEqual(left, [], 'left over')
  })
  return farm
}

/** A template like the test template, whose init is the given script. */
export async function addQuickTemplate(farm: TestFarm, ref = quickTemplate, init = lasting): Promise<void> {
  const run = createRunner()
  const btrfs = (...args: string[]) => run.run({ file: 'btrfs', args, timeoutMs: 60_000 })
  const { path, manifest } = farm.template
  const id = randomUUID()
  const to = join(farm.poolDir, 'templates', id)
  await btrfs('subvolume', 'snapshot', path, to)
  await rm(join(to, 'sbin/init'))
  await writeFile(join(to, 'sbin/init'), init)
  await chmod(join(to, 'sbin/init'), 0o755)
  await btrfs('property', 'set', '-ts', to, 'ro', 'true')
  await writeFile(`${to}.json`, JSON.stringify({ ...manifest, id, ref }), { mode: 0o600 })
  await farm.adopt(ref)
}

/** A request that is waited for; anything but success throws. */
export async function done(farm: TestFarm, method: string, path: string, body?: unknown): Promise<Reply> {
  const reply = await farm.api(method, `${path}${method === 'GET' ? '' : '?wait=60000'}`, body)
  if (reply.status !== 200) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}\n${farm.logTail(8)}`)
  return reply
}

export const getGuest = async (farm: TestFarm, name: string): Promise<Guest> =>
  (await done(farm, 'GET', `/v1/guests/${name}`)).body as Guest

/** Its init is up and hears signals. */
export async function createQuick(farm: TestFarm, name: string): Promise<void> {
  await done(farm, 'POST', '/v1/guests', { name, template: quickTemplate })
  const up = inDisk(farm, await getGuest(farm, name), 'srv/up')
  await farm.waitFor(() => existsSync(up))
}

const inDisk = (farm: TestFarm, { number, spec }: Guest, path: string) =>
  join(farm.poolDir, 'guests', String(number), 'roots', spec.root.id, path)

/** A file in the guest's disk, written as a guest would, without entering it. */
export const writeMark = async (farm: TestFarm, name: string, text: string): Promise<void> =>
  writeFile(inDisk(farm, await getGuest(farm, name), 'srv/mark'), text)

export const readMark = async (farm: TestFarm, name: string): Promise<string> =>
  readFile(inDisk(farm, await getGuest(farm, name), 'srv/mark'), 'utf8')
