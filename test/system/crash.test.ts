/**
 * The daemon dies at every named failpoint of every operation, as by a power cut. A dry run tells which ones an operation
 * passes, so that none can be forgotten. After the next start the wish is met, the data whole, and nothing is left to do.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Operation } from '../../src/api/resources.ts'
import { type CrashOperation, operations } from './crash-operations.ts'
import { done, useQuickFarm } from './quick.ts'

const farm = await useQuickFarm()
const armed = join(farm.stateDir, 'failpoint')
const env = { CROFT_FAILPOINT: armed, CROFT_TEMPLATE_BUILDER: 'fake' }
const arm = (what: string): void => writeFileSync(armed, what)
arm('')
await farm.restartDaemon({ env })

for (const operation of operations) {
  test(`${operation.name}: the daemon dies at every step`, async () => {
    const passed = await failpointsOf(operation)
    assert.notDeepEqual(passed, [])
    for (const [index, failpoint] of passed.entries()) {
      try {
        await dieAt(operation, failpoint, `g${index}`)
      } catch (cause) {
        const log = farm.logTail(8)
        arm('')
        await farm.restartDaemon({ kill: 'SIGKILL', env })
        throw new Error(`${operation.name}, killed at ${failpoint}: ${String(cause)}
${log}`)
      }
    }
  })
}

/** The names in the order in which they are passed, each once. */
async function failpointsOf(operation: CrashOperation): Promise<string[]> {
  await operation.prepare(farm, 'dry')
  const before = readFileSync(farm.logFile, 'utf8').length
  arm('log')
  const { method, path, body } = operation.ask('dry')
  await done(farm, method, path, body)
  arm('')
  const said = readFileSync(farm.logFile, 'utf8').slice(before)
  await operation.check(farm, 'dry')
  await operation.clean(farm, 'dry')
  return [...new Set([...said.matchAll(/^failpoint (\S+)$/gm)].map((match) => match[1] ?? ''))]
}

async function dieAt(operation: CrashOperation, failpoint: string, name: string): Promise<void> {
  await operation.prepare(farm, name)
  arm(failpoint)
  const { method, path, body } = operation.ask(name)
  const answer = await farm.api(method, `${path}?wait=60000`, body).catch(() => undefined)
  assert.equal(answer?.status ?? 200, 200)
  // Mostly without an answer; a few things are still done when it has been given.
  if (answer === undefined || !isByChance(operation, failpoint)) await farm.daemonGone(5000)
  else await farm.stopDaemon('SIGKILL')
  arm('')
  await farm.startDaemon(env)
  await farm.waitFor(async () => (await running()).length === 0, 30_000, 'the end of the operation')
  await operation.check(farm, name)
  const { body: plan } = await done(farm, 'GET', `/v1/hosts/${farm.hostName}/plan`)
  assert.deepEqual((plan as { steps: unknown }).steps, [], 'nothing left to do')
  await operation.clean(farm, name)
}

/** A guest that ends while it is looked at is helped along, or not. */
const isByChance = ({ name }: CrashOperation, failpoint: string): boolean =>
  /^kill\./.test(failpoint) && /^(stop|restart)$/.test(name)

async function running(): Promise<Operation[]> {
  const { body } = await done(farm, 'GET', '/v1/operations')
  const all = body as Operation[]
  assert.deepEqual(
    all.filter(({ state }) => state === 'failed'),
    [],
  )
  return all.filter(({ state }) => state === 'running')
}
