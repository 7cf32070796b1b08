/** exec, shell, push and pull through the daemon: a laptop on the farm's loopback that has logged in, and has no root here. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Outcome } from '../../src/drivers/exec/command.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm({ init: ['--listen', ':8443'] })
const home = await mkdtemp(join(tmpdir(), 'croft-laptop-'))
after(() => rm(home, { recursive: true, force: true }))
const env = { HOME: home, CROFT_SOCKET: '', CROFT_STATE: '' }
const far = (...words: string[]): Promise<Outcome> => farm.croftWith({ env, timeoutMs: 20_000 }, ...words)
const word = (await farm.croftOk('token', 'add', 'lark', '--login', '--address', '127.0.0.1')).trim()
assert.equal((await far('login', word)).code, 0)

test('a laptop runs words inside: output, errors, exit codes, stdin', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  const said = await far('exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7')
  assert.deepEqual([said.stdout, said.stderr, said.code], ['out\n', 'err\n', 7])
})
