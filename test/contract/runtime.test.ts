import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import type { Command } from '../../src/drivers/exec/command.ts'
import type { Definition } from '../../src/drivers/runtime/driver.ts'
import { createFakeRuntime, type FakeClock } from '../../src/drivers/runtime/fake/index.ts'
import { runtimeContract } from './runtime.ts'

const clock: FakeClock = {
  now: () => 0,
  later(_ms, work) {
    const soon = setImmediate(work)
    return { [Symbol.dispose]: () => clearImmediate(soon) }
  },
}

export const definition = (number: number, rootPath = '/fake/root'): Definition => ({
  ...{ number, id: `guest-${number}`, hostName: 'web', rootPath, uidBase: 0x70000000, limits: {} },
  link: { name: `croft${number}`, ipv4: '10.100.3.1', ipv6: 'fd12::1', mtu: 1500, mac: '0a:c7:0f:00:03:01', more: [] },
  files: { hosts: '127.0.0.1 localhost\n', resolv: 'nameserver 192.0.2.1\n', keys: '' },
})

const runtime = createFakeRuntime(clock)

runtimeContract('fake', () => ({
  runtime,
  definition: async (number) => definition(number),
  ready: async (number) => runtime.say(number, 'hello from init\n'),
  halt: async (number) => runtime.die(number),
  run,
  lent: async (number) => runtime.lent(number),
  leftovers: async (number) => ((await runtime.observe(number)) ? ['it'] : []),
}))

async function run({ file, args }: Command, stdin: Uint8Array = Buffer.alloc(0)) {
  const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stdin.on('error', () => {}).end(stdin)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout: Buffer.concat(chunks) }
}

test('the fake: deaths and failures come when they are told to', async () => {
  const due: { at: number; work: () => void }[] = []
  const fake = createFakeRuntime({
    now: () => 0,
    later(ms, work) {
      const entry = { at: ms, work }
      due.push(entry)
      return { [Symbol.dispose]: () => void due.splice(due.indexOf(entry), 1) }
    },
  })
  await fake.define(definition(1))
  fake.behave(1, { startFails: 'cgfsng: no room' })
  await assert.rejects(fake.start(1), { code: 'START_FAILED', message: 'cgfsng: no room' })
  fake.behave(1, { diesAfterMs: 300, ignoresStop: true })
  await fake.start(1)
  await fake.askToStop(1)
  assert.deepEqual(
    due.map(({ at }) => at),
    [300],
  )
  due[0]?.work()
  assert.deepEqual([(await fake.observe(1))?.state, fake.starts(1)], ['stopped', 1])
  fake.say(1, `${'x'.repeat(50)}the end`)
  assert.equal(await fake.consoleTail(1, 7), 'the end')
})
