/** docs/guides/upgrading.md as it is written: hosts go to another version and back, one after another, while sites are visited. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Host } from '../../../src/api/host.ts'
import type { Status } from '../../../src/api/resources.ts'
import { wordsOf } from '../../console.ts'
import type { LoadOrder, LoadReport } from '../../load/load.ts'
import type { TestHost, TestHosts } from '../hosts.ts'
import { serveFolder } from '../web.ts'

const program = new URL('../../load/load.ts', import.meta.url).pathname
const older = { CROFT_PRETEND: '0.0.9:carry,instances,store-ca' }

/** Some at each host, until they are told to go home. */
function visit(hosts: TestHosts, names: readonly string[]): () => Promise<LoadReport[]> {
  const groups = hosts.all.map((host) => {
    const order: LoadOrder = { address: host.address.v4, port: 443, hosts: names, connections: 2, pauseMs: 40 }
    const child = host.background('outside', { file: process.execPath, args: [program, JSON.stringify(order)] }, 'pipe')
    const gone = once(child, 'exit')
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    return async () => {
      child.stdin?.end()
      await gone
      return JSON.parse(said) as LoadReport
    }
  })
  return () => Promise.all(groups.map((leave) => leave()))
}

const answers = async (host: TestHost, name: string): Promise<boolean> => {
  const args = ['-sko', '/dev/null', '-w', '%{http_code}', '--resolve', `${name}:443:${host.address.v4}`]
  return (await host.outside({ file: 'curl', args: [...args, `https://${name}/`] })).stdout === '200'
}

export function upgrading(hosts: TestHosts): void {
  const { ash, birch } = hosts
  const names = ['ash.example.org', 'birch.example.org']

  /** What `apt` does, as far as the farm sees it; and nobody goes on before the host is seen by the others. */
  async function put(host: TestHost, env: Readonly<Record<string, string>>): Promise<void> {
    await host.restartDaemon({ env })
    const [other] = hosts.all.filter((each) => each !== host)
    await host.waitFor(async () => {
      const all = await other?.json<Host[]>('host', 'ls').catch(() => [])
      return all?.length === 2 && all.every(({ state }) => state === 'up')
    }, 60_000)
  }

  const needs = async (host: TestHost) =>
    (await host.json<Status>('status')).attention.filter(({ what }) => what === 'versions').map(({ do: next }) => next)

  test('hosts go up and back, one after another, and no visitor of either host notices', async (context) => {
    for (const host of hosts.all) {
      await ash.croftOk('create', `at-${host.hostName}`, 'debian:12', '--host', host.hostName, '--wait=stable')
      await serveFolder(host, `at-${host.hostName}`, { 'index.html': 'hello' })
      await ash.croftOk('route', 'add', `${host.hostName}.example.org`, `at-${host.hostName}:8080`)
    }
    for (const host of hosts.all) for (const name of names) await host.waitFor(() => answers(host, name), 60_000)
    let leave = visit(hosts, names)
    const reports: LoadReport[] = []
    await put(birch, older)
    assert.deepEqual(await needs(ash), ['upgrade croft on birch'])
    assert.match(await birch.croft('doctor').then(({ stdout }) => stdout), /birch \(croft 0\.0\.9\) beside croft/)
    const refused = await ash.croft('move', 'at-ash', 'birch')
    assert.deepEqual([refused.code, /birch \(croft 0\.0\.9\) cannot do this yet/.test(refused.stderr)], [5, true])
    assert.equal(await ash.croftOk('exec', 'at-birch', '--', 'hostname'), 'at-birch\n')
    await put(ash, older)
    assert.deepEqual(await needs(ash), [])

    reports.push(...(await leave()))
    leave = visit(hosts, names)
    const text = readFileSync(new URL('../../../docs/guides/upgrading.md', import.meta.url), 'utf8')
    const commands = [...text.matchAll(/^root@(\w+):~# (croft|apt) (.*)$/gm)]
    assert.ok(commands.length >= 9)
    for (const [line, name = '', program, words = ''] of commands) {
      const host = hosts.get(name)
      if (program === 'apt') await put(host, words.includes('croft_0.2.0') ? {} : older)
      const said = program === 'apt' ? undefined : await host.croft(...wordsOf(words))
      // This machine is no host of a provider: what the doctor says of it is another test's.
      if (said && words !== 'doctor') assert.equal(said.code, 0, `${line}: ${said.stderr}\n${host.logTail(9)}`)
    }
    reports.push(...(await leave()))
    for (const host of hosts.all) await put(host, {})
    assert.deepEqual(await needs(birch), [])
    for (const { statuses, failures, requests, gapMs } of reports) {
      context.diagnostic(`${requests} requests, the longest gap ${Math.round(gapMs)} ms`)
      assert.deepEqual([Object.keys(statuses), failures], [['200'], {}])
      assert.ok(requests > 100)
    }
    for (const name of names) await ash.croftOk('route', 'rm', name, '-y')
  })
}
