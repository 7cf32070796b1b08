/** What the instances of a site say, each of which may be anybody's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CroftError } from '../../../../src/api/errors.ts'
import { siteLogs } from '../../../../src/cli/commands/guest/site-logs.ts'
import type { Context } from '../../../../src/cli/context.ts'

type Say = (line: string, from: 'stdout' | 'stderr') => void

async function read(say: (onLine: Say) => void, { tty, tail }: { tty: boolean; tail?: number }) {
  const said = { stdout: [] as string[], stderr: [] as string[] }
  const stream = (from: 'stdout' | 'stderr') => ({ tty, write: (text: string) => void said[from].push(text) })
  const context = {
    client: { request: async () => ({ instances: [{ name: 'shop/prod/1', state: 'running' }] }) },
    io: { stdout: stream('stdout'), stderr: stream('stderr'), onInterrupt: () => ({ [Symbol.dispose]() {} }) },
    flags: {
      has: (name: string) => name === 'tail' && tail !== undefined,
      text: (name: string) => (name === 'tail' && tail !== undefined ? String(tail) : undefined),
    },
  } as unknown as Context
  const run = async (_: string, { onLine }: { onLine: Say }) => {
    say(onLine)
    return 0
  }
  await siteLogs(context, 'shop/prod', { words: ['journalctl'], run })
  return said
}

test('who is on a host that is away is named, the lines of the others are there', async () => {
  const said = { stdout: [] as string[], say: [] as string[] }
  const instances = ['ash', 'birch'].map((host, at) => ({ name: `shop/prod/${at + 1}`, state: 'ready', host }))
  const context = {
    client: { request: async () => ({ instances }) },
    io: {
      stdout: { tty: false, write: (text: string) => void said.stdout.push(text) },
      onInterrupt: () => ({ [Symbol.dispose]() {} }),
    },
    say: (line: string) => void said.say.push(line),
    flags: { has: () => false, text: () => undefined },
  } as unknown as Context
  const away = (...names: string[]) =>
    siteLogs(context, 'shop/prod', {
      words: ['journalctl'],
      async run(name, { onLine }) {
        if (names.includes(name)) throw new CroftError('HOST_UNREACHABLE', `host of ${name} does not answer`)
        onLine('2026 well', 'stdout')
        return 0
      },
    })
  const { exit } = await away('shop/prod/2')
  assert.deepEqual([exit, said.stdout], [6, ['1 | 2026 well\n']])
  assert.deepEqual(said.say, ['▲ shop/prod/2 on birch is missing here: host of shop/prod/2 does not answer'])
  await assert.rejects(away('shop/prod/1', 'shop/prod/2'), { code: 'HOST_UNREACHABLE' })
})

const evil = '\u001b]0;owned\u0007'

test('what an instance says is shown on a terminal, not obeyed, on stderr as well', async () => {
  const say = (onLine: Say) => {
    onLine(`2026 ${evil}`, 'stdout')
    onLine(evil, 'stderr')
  }
  const shown = await read(say, { tty: true })
  for (const text of [...shown.stdout, ...shown.stderr]) assert.ok(!text.includes('\u001b'), JSON.stringify(text))
  assert.equal(shown.stderr.length, 1)
  assert.deepEqual((await read(say, { tty: false })).stderr, [`1 | ${evil}\n`])
})

test('of an instance that talks without end the last entries are kept, and no line is endless', async () => {
  const say = (onLine: Say) => {
    for (let n = 10_000; n < 15_000; n += 1) onLine(`${n} said`, 'stdout')
    for (let n = 0; n < 5000; n += 1) onLine(' and on', 'stdout')
    onLine(`15000 ${'x'.repeat(1 << 20)}`, 'stdout')
  }
  const { stdout } = await read(say, { tty: false })
  assert.equal(stdout[0], '1 | 14001 said\n')
  assert.equal(stdout.filter((line) => line === '1 |  and on\n').length, 999)
  assert.ok((stdout.at(-1)?.length ?? 0) < 20_000)
  assert.equal((await read(say, { tty: false, tail: 0 })).stdout.length, 0)
})
