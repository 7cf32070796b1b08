/** Contract tests that need a network of their own: the file runs itself again in a namespace made for it. Needs root. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'

/** Whether this run is the one inside. */
export const isInside = process.env.CROFT_TEST_NETNS !== undefined

/** As one test, with all that was said when it fails. `file` is the import.meta.url of who asks; `letter` tells namespaces apart. */
export function runInside(what: string, file: string, letter: string): void {
  const run = createRunner()
  const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })
  const namespace = `cf${letter}${process.pid}`
  after(() => run.outcome(ip('netns', 'delete', namespace)))
  test(`${what}: the contract, in a namespace`, async () => {
    await run.run(ip('netns', 'add', namespace))
    const result = await run.outcome({
      file: 'nsenter',
      args: [`--net=/run/netns/${namespace}`, '--', process.execPath, '--test-reporter=spec', new URL(file).pathname],
      env: { CROFT_TEST_NETNS: namespace },
      timeoutMs: 120_000,
    })
    assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`)
  })
}
