import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { CroftError } from '../../../src/api/errors.ts'
import { cleanLine, createInside } from '../../../src/daemon/host/inside.ts'
import type { AttachOptions } from '../../../src/drivers/runtime/driver.ts'

/** This machine stands for the guest. */
const inside = createInside({
  observe: async (number) => ({ number, state: number === 1 ? 'running' : 'stopped' }),
  attach: (_, { command, env }: AttachOptions) => ({
    file: 'env',
    args: ['-i', '--', ...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...command],
    timeoutMs: 1000,
  }),
})
const usual = { signal: new AbortController().signal, timeoutMs: 20_000 }
const sh = (text: string, options: object = {}) => inside.run(1, ['sh', '-c', text], { ...usual, ...options })

test('words run in a folder, with an environment; their lines come as they are said', async () => {
  const lines: string[] = []
  const ended = await sh('pwd; echo "$A"; echo bad >&2; exit 3', {
    ...{ folder: '/usr', env: { A: 'x y' }, onLine: (line: string) => lines.push(line) },
  })
  assert.equal(ended.code, 3)
  assert.deepEqual([...ended.lines].sort(), ['/usr', 'bad', 'x y'])
  assert.deepEqual(lines, ended.lines)
})

test('no word is taken for another’s', async () => {
  const { lines } = await inside.run(1, ['printf', '%s|', '-n', '$(id)', 'a;b', '--'], { ...usual, folder: '/' })
  assert.deepEqual(lines, ['-n|$(id)|a;b|--|'])
})

test('a folder that is not there is a failure of the command', async () => {
  const { code } = await inside.run(1, ['true'], { ...usual, folder: '/nowhere/-x' })
  assert.notEqual(code, 0)
})

test('stdin goes in whole, bytes come out as they are', async () => {
  async function* source() {
    for (let count = 0; count < 64; count++) yield Buffer.alloc(64 * 1024, count)
  }
  const chunks: Uint8Array[] = []
  const { code, lines } = await sh('cat; echo done >&2', {
    ...{ stdin: source(), onBytes: (bytes: Uint8Array) => chunks.push(bytes) },
  })
  const got = Buffer.concat(chunks)
  assert.deepEqual([code, got.length, got[0], got.at(-1), lines], [0, 4 * 1024 ** 2, 0, 63, ['done']])
})

test('one that reads nothing of its stdin ends all the same', async () => {
  async function* endless() {
    for (;;) yield Buffer.alloc(64 * 1024)
  }
  assert.equal((await sh('exit 4', { stdin: endless() })).code, 4)
})

test('it ends at its time, with what it has started', async () => {
  await assert.rejects(sh('sleep 1000 & sleep 1000', { timeoutMs: 100 }), /took longer than/)
})

test('it ends when it has printed too much', async () => {
  await assert.rejects(sh('cat /dev/zero', { maxBytes: 1024 ** 2 }), /printed more than 1 MiB/)
  await assert.rejects(sh('cat /dev/zero', { maxBytes: 64 * 1024 }), /printed more than 64 KiB/)
  await assert.rejects(sh('yes'), /printed more than 200000 lines/)
})

test('who asked for it may end it, with his reason', async () => {
  const abort = new AbortController()
  const running = sh('echo ready; sleep 1000', {
    signal: abort.signal,
    onLine: () => abort.abort(new CroftError('CANCELLED', 'no more')),
  })
  await assert.rejects(running, { code: 'CANCELLED' })
})

test('in a guest that does not run nothing runs', async () => {
  await assert.rejects(inside.run(2, ['true'], usual), { code: 'NOT_RUNNING' })
})

test('a line is what a terminal would have left of it, and is obeyed by none', () => {
  for (const [said, shown] of [
    ['10%\r50%\r100%\r', '100%'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007text', 'text'],
    ['a\tb', 'a  b'],
    ['\u0007\u202eevil', '\\u{7}\\u{202e}evil'],
  ] as const)
    assert.equal(cleanLine(said), shown)
  assert.equal(cleanLine('x'.repeat(100_000)).length, 4000)
})
