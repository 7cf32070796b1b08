/** Several hosts: every host answers every request, whoever's it is. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Door } from '../../../src/api/door.ts'
import type { Guest, Usage } from '../../../src/api/guest.ts'
import type { TestHost, TestHosts } from '../hosts.ts'

const door = async (host: TestHost): Promise<Door> => (await host.json<{ door: Door }>('farm', 'show')).door

export function carrying(hosts: TestHosts): void {
  const { ash, birch } = hosts

  test('a guest of another host: entered, filled, read and changed from here', async () => {
    const made = await birch.croft('create', 'far', 'debian:12', '--host', 'birch')
    assert.equal(made.code, 0, `${made.stderr}\n${birch.logTail(20)}`)
    await ash.croftOk('create', 'near', 'debian:12', '--host', 'ash')
    const guests = await ash.json<Guest[]>('ls')
    assert.deepEqual(
      guests.map(({ name, host }) => `${name} on ${host}`),
      ['far on birch', 'near on ash'],
    )
    assert.equal(await ash.croftOk('exec', 'far', '--', 'hostname'), 'far\n')
    assert.equal((await ash.croft('exec', 'far', '--', 'sh', '-c', 'exit 7')).code, 7)
    const all = await ash.croft('exec', '--all', '--', 'hostname')
    assert.deepEqual(all.stdout.trim().split('\n').sort(), ['far  | far', 'near | near'])
    const file = join(ash.stateDir, 'sent')
    await writeFile(file, 'x'.repeat(200_000))
    await ash.croftOk('push', file, 'far:/root/sent')
    await ash.croftOk('pull', 'far:/root/sent', `${file}.back`)
    assert.equal((await readFile(`${file}.back`, 'utf8')).length, 200_000)
    assert.match(await ash.croftOk('logs', 'far', '--console'), /./)
    await ash.croftOk('stop', 'far')
    await ash.croftOk('start', 'far')
    await ash.croftOk('snapshot', 'add', 'far@one')
    assert.match(await ash.croftOk('snapshot', 'ls'), /far@one|far.*one/)
    const used = await ash.json<Usage[]>('top')
    assert.deepEqual(
      used.map(({ name, memoryBytes }) => [name, memoryBytes !== null]),
      [
        ['far', true],
        ['near', true],
      ],
    )

    // Where the farm listens is said once, and done by each host.
    const port = (await door(birch)).listen?.split(':').at(-1)
    await ash.croftOk('farm', 'set', `listen=:${port}`)
    await birch.waitFor(async () => (await door(birch)).listen === `:${port}`)

    // Behind a cut wire: what the store says is told, the rest refused soon, and all is well again after it.
    await hosts.cut(birch)
    const refused = await ash.croft('stop', 'far')
    assert.equal(refused.code, 7, refused.stderr)
    assert.match(refused.stderr, /host birch \(198\.51\.100\.12:\d+\) does not answer/)
    assert.match(await ash.croftOk('ls'), /far/)
    await hosts.mend(birch)
    for (const end = Date.now() + 30_000; Date.now() < end; )
      if ((await ash.croft('exec', 'far', '--', 'true')).code === 0) return
    assert.fail('birch is not heard again')
  })
}
