import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const source = new URL('../../../src/daemon/alone.ts', import.meta.url).pathname
const hold = (folder: string, then: string) =>
  `import { holdAlone } from ${JSON.stringify(source)}; const held = holdAlone(${JSON.stringify(folder)}); ${then}`
const node = (code: string) => ['--input-type=module', '-e', code]

test('a second daemon is told; one that was killed holds nobody up', async () => {
  const folder = mkdtempSync(join(os.tmpdir(), 'alone'))
  try {
    const first = spawn(process.execPath, node(hold(folder, 'console.log("held"); setInterval(() => held, 1000)')))
    await once(first.stdout, 'data')
    assert.throws(
      () => execFileSync(process.execPath, node(hold(folder, 'held.close()')), { stdio: 'pipe' }),
      /runs on .* already/,
    )
    first.kill('SIGKILL')
    await once(first, 'exit')
    execFileSync(process.execPath, node(hold(folder, 'held.close()')), { stdio: 'pipe' })
    assert.equal(statSync(join(folder, 'alone')).mode & 0o777, 0o600)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
