/** What a command said is whole, whenever this process comes to hear it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { createRunner } from '../../src/drivers/exec/runner.ts'

const work = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('one that ends while others do, and this process is long at work then, is heard to its last word', async () => {
  for (let round = 0; round < 3; round++) {
    const said = createRunner().run({ file: 'sh', args: ['-c', 'sleep 0.3; echo said'], timeoutMs: 10_000 })
    const others = Array.from({ length: 8 }, (_, nth) => spawn('sleep', [`0.0${nth}`]))
    others[0]?.once('exit', () => work(600))
    // All have ended before this process knows of any.
    work(150)
    assert.equal(await said, 'said\n')
  }
})

test('what a command leaves behind does not keep its caller, whatever it goes on saying', async () => {
  const silent = { file: 'sh', args: ['-c', 'sleep 30 & echo $!'], timeoutMs: 20_000 }
  const [left = ''] = (await createRunner().run(silent)).split('\n')
  process.kill(Number(left))
  const talks = { file: 'sh', args: ['-c', 'while sleep 0.05; do echo more; done & echo $!'], timeoutMs: 60_000 }
  const words = (await createRunner().run(talks)).split('\n')
  assert.ok(words.includes('more'))
  try {
    process.kill(Number(words[0]))
  } catch {
    // Nobody hears it any more: it may have ended by that.
  }
})
