/** The members of the farm's etcd, on real hosts: as many as there are hosts for, kept running, and made anew from a snapshot. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { wordsOf } from '../../console.ts'
import type { TestHost, TestHosts } from '../hosts.ts'
import { memberOf, storeOf, untilStore, vote, votingIn } from './store.ts'

export function members(hosts: TestHosts): void {
  const { ash, birch, cedar } = hosts
  /** Those that have joined by then. */
  const three = [ash, birch, cedar]

  test('one host has its store in a file, and no etcd', async () => {
    const store = await storeOf(ash)
    assert.equal(store.kind, 'sqlite')
    assert.deepEqual(store.members, [])
    const refused = await ash.croft('farm', 'store', 'restore', '/etc/hostname', '-y')
    assert.equal(refused.code, 4, refused.stderr)
  })

  test('with the third host there are three members, and each host can do without any one', async () => {
    await hosts.join(birch)
    const two = await untilStore(birch, 'the store in etcd', ({ kind }) => kind === 'etcd')
    assert.match(two.reason ?? '', /two hosts are no majority/)
    await hosts.join(cedar)
    const three = await untilStore(ash, 'three members', vote(3))
    assert.deepEqual(votingIn(three).sort(), ['ash', 'birch', 'cedar'])
    await untilStore(birch, 'three places to ask', ({ at }) => at.length === 3)
    await ash.croftOk('size', 'add', 'early', 'cpu=1', 'memory=128M', 'disk=1G', 'processes=100')
    process.kill(memberOf(ash), 'SIGKILL')
    await birch.croftOk('size', 'set', 'early', 'cpu=2')
    await untilStore(ash, 'the killed member again', vote(3))
  })

  test('docs/guides/restoring-the-store.md: a restore takes the farm back to its snapshot, and the other members are brought in anew', async () => {
    const { snapshot } = await untilStore(cedar, 'a snapshot', (store) => store.snapshot !== null)
    assert.ok(snapshot)
    await ash.croftOk('size', 'add', 'late', 'cpu=1', 'memory=128M', 'disk=1G', 'processes=100')
    const refused = await cedar.croft('farm', 'store', 'restore', snapshot.file, '-y')
    assert.equal(refused.code, 4)
    assert.match(refused.stderr, /--discard-data/)
    const text = readFileSync(new URL('../../../docs/guides/restoring-the-store.md', import.meta.url), 'utf8')
    const commands = [...text.matchAll(/^root@cedar:~# croft (.*)$/gm)].map(([, words = '']) => words)
    assert.equal(commands.length, 4)
    for (const words of commands) {
      const said = await cedar.croft(...wordsOf(words.replace('FILE', snapshot.file)))
      assert.equal(said.code, 0, `${words}: ${said.stderr}\n${cedar.logTail(12)}`)
    }
    const store = await untilStore(cedar, 'three members of the restored store', vote(3))
    assert.deepEqual(votingIn(store).sort(), ['ash', 'birch', 'cedar'])
    for (const host of three)
      await untilStore(
        host,
        `the restored store on ${host.hostName}`,
        ({ at, revision }) => at.length === 3 && revision !== null,
      )
    assert.notEqual((await ash.croft('size', 'show', 'late')).code, 0)
  })

  test('the CAs are exchanged while the farm works, and who has the former keys finds the store shut', async () => {
    const folder = join(ash.stateDir, 'pki')
    const [stolen = '', cas = ''] = ['store.pem', 'store-ca.pem'].map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    )
    const opens = async (ca: string) => {
      const endpoints = [`https://${ash.address.v4}:2379`]
      const [key = '', cert = ''] = ['PRIVATE KEY', 'CERTIFICATE'].map(
        (what) => new RegExp(`-----BEGIN ${what}-----[^-]+-----END ${what}-----\n`).exec(stolen)?.[0] ?? '',
      )
      const shown = join(ash.stateDir, 'stolen.pem')
      const trusted = join(ash.stateDir, 'trusted.pem')
      writeFileSync(shown, `${key}${cert}`)
      writeFileSync(trusted, ca)
      const args = [
        '--endpoints',
        endpoints.join(),
        '--cacert',
        trusted,
        '--cert',
        shown,
        '--key',
        shown,
        'get',
        'croft?',
      ]
      return (
        (await ash.host({ file: 'etcdctl', args: ['--command-timeout=5s', ...args], env: { ETCDCTL_API: '3' } }))
          .code === 0
      )
    }
    await ash.croftOk('size', 'add', 'kept', 'cpu=1', 'memory=128M', 'disk=1G', 'processes=100')
    assert.ok(await opens(cas), 'as a host that was lost would')
    assert.equal((await birch.croft('cert', 'rotate')).code, 0, birch.logTail(9))
    assert.equal((await cedar.croft('cert', 'rotate')).code, 5, 'it is under way')
    const untilOver = async (host: TestHost) => {
      for (const end = Date.now() + 180_000; Date.now() < end; await sleep(500)) {
        const done = await host.croft('cert', 'rotate', '--finish')
        if (done.code === 0) return
        assert.ok([5, 7].includes(done.code ?? 1), done.stderr)
        await birch.croft('size', 'set', 'kept', `cpu=${1 + (Date.now() % 3)}`)
      }
      assert.fail(`it does not settle\n${three.map((each) => each.logTail(9)).join('\n')}`)
    }
    await untilOver(cedar)
    const files = () => three.map(({ stateDir }) => readFileSync(join(stateDir, 'pki/store-ca.pem'), 'utf8'))
    await ash.waitFor(
      () => files().every((text) => text === files()[0] && text.split('BEGIN').length === 2),
      120_000,
      'the new CA alone',
    )
    const [now = ''] = files()
    assert.notEqual(now, cas)
    await untilStore(ash, 'three members that vote', vote(3))
    assert.ok(!(await opens(now)), 'a lost host is shut out')
    for (const host of three) {
      await untilStore(host, `the store on ${host.hostName}`, ({ revision }) => revision !== null)
      await host.croftOk('size', 'set', 'kept', `memory=${128 + three.indexOf(host)}M`)
    }
    for (const host of three)
      for (const other of three)
        await host.waitFor(async () => (await host.croft('host', 'plan', other.hostName)).code !== 7)
  })
}
