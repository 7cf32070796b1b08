/** A host is emptied: who cannot go is told before, then all go, and it says so. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Guest } from '../../../src/api/guest.ts'
import { wordsOf } from '../../console.ts'
import type { TestHosts } from '../hosts.ts'

export function draining(hosts: TestHosts): void {
  const { ash, birch } = hosts

  const on = async (host: string) =>
    (await ash.json<Guest[]>('ls')).filter((guest) => guest.host === host).map(({ name }) => name)

  /** docs/guides/host-out-of-service.md, as it is written. */
  async function guide(emptied: (moved: Awaited<ReturnType<typeof ash.croft>>) => Promise<void>): Promise<void> {
    const text = readFileSync(new URL('../../../docs/guides/host-out-of-service.md', import.meta.url), 'utf8')
    const commands = [...text.matchAll(/^root@ash:~# croft (.*)$/gm)]
    assert.ok(commands.length >= 10)
    for (const [, words = ''] of commands) {
      const said = await ash.croft(...wordsOf(words))
      assert.equal(said.code, 0, `${words}: ${said.stderr}\n${birch.logTail(9)}`)
      if (words === 'host drain birch --move') await emptied(said)
      // What goes is gone when both hosts have done their part.
      if (words.startsWith('replica rm'))
        await ash.waitFor(async () => (await ash.json<[]>('replica', 'ls')).length === 0)
    }
  }

  test('all guests of a host go to another, or none while one of them cannot', async () => {
    for (const each of [...(await on('ash')), ...(await on('birch'))]) await ash.croftOk('rm', each, '-y')
    await ash.croftOk('create', 'web', 'debian:12', '--host', 'birch', 'memory=64M', '-p', '8080:80', '--wait=stable')
    await ash.croftOk('create', 'blog', 'debian:12', '--host', 'birch', 'memory=96M', '--no-start')
    await ash.croftOk('freeze', 'web')

    const refused = await ash.croft('host', 'drain', 'birch', '--move')
    assert.equal(refused.code, 4)
    assert.match(refused.stderr, /1 of 2 guests cannot leave birch, so nothing was changed \(web: it is frozen/)
    assert.match(refused.stderr, /croft host drain birch --move --some/)
    assert.equal((await ash.json<{ drained: boolean }>('host', 'show', 'birch')).drained, false)
    const plan = await ash.croftOk('host', 'drain', 'birch', '--move', '--dry-run')
    assert.match(plan, /blog +move +to ash: .*\nweb +stay +it is frozen/)

    await birch.croftOk('unfreeze', 'web')
    await guide(async (moved) => {
      assert.match(moved.stdout, /birch is empty: 2 guests were moved/)
      assert.match(moved.stderr, /1 of 2: blog goes to ash\n(?:.*\n)*.*web on ash: down \d+\.\d s, same address/)
      assert.deepEqual([(await on('ash')).sort(), await on('birch')], [['blog', 'web'], []])
      assert.equal((await ash.json<Guest>('show', 'web')).status?.state, 'running')
    })
    assert.deepEqual([await on('ash'), await on('birch')], [['blog'], ['web']])
    assert.deepEqual(await ash.json('replica', 'ls'), [])
    for (const name of ['web', 'blog']) await ash.croftOk('rm', name, '-y')
  })
}
