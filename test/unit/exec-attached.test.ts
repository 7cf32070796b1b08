import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

const source = new URL('../../src/drivers/exec/attached.ts', import.meta.url).pathname

test('where descriptors ran out a session ends with the reason, and the process goes on', () => {
  const code = `
    import { openSync, closeSync } from 'node:fs'
    import { startAttached } from ${JSON.stringify(source)}
    const command = { file: 'true', args: [], timeoutMs: 1000 }
    const held = []
    try { for (;;) held.push(openSync('/dev/null')) } catch {}
    const end = await new Promise(async (onEnd) => {
      const session = await startAttached(command, { onOutput: () => true, onTaken() {}, onEnd })
      session.write(new Uint8Array(3))
      session.resume()
      session.hangUp()
    })
    for (const fd of held) closeSync(fd)
    console.log(end.error.code, end.error.message)`
  const said = execFileSync('prlimit', ['--nofile=60:60', process.execPath, '--input-type=module', '-e', code], {
    encoding: 'utf8',
  })
  assert.match(said, /^COMMAND_FAILED .*EMFILE/)
})
