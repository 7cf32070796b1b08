/** An upstream’s name that leads to the host: the front goes there never, whenever DNS says so. In a network namespace of its own; needs root. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Site } from '../../src/drivers/edge/driver.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { siteOf } from '../contract/edge.ts'
import { ask, farmOf, openHaproxy, selfSigned } from '../contract/edge-world.ts'
import { isInside, runInside } from '../contract/namespace.ts'

const far = '198.51.100.9'
const far6 = '2001:db8::9'
const near = ['127.0.0.0/8', '0.0.0.0/8', '169.254.0.0/16', '::/96', 'fe80::/10', '10.100.0.0/16']

if (!isInside) runInside('the edge, names that lead to the host', import.meta.url, 'n')
else {
  const { edge } = await openHaproxy()
  const run = createRunner()
  const ip = (...args: string[]) => run.run({ file: 'ip', args, timeoutMs: 10_000 })
  const servers = [...readFileSync('/etc/resolv.conf', 'utf8').matchAll(/^nameserver\s+([0-9.]+)\s*$/gm)].map(
    (m) => m[1],
  )
  for (const address of [far, far6, '10.100.0.7', ...servers.filter((each) => !each?.startsWith('127.'))])
    await ip('address', 'add', String(address), 'dev', 'lo')
  const folder = mkdtempSync('/var/tmp/cfn')
  const hosts = join(folder, 'hosts')
  const server = createServer((_, answer) => void answer.end('the secret of the host'))
  await new Promise<void>((listening) => server.listen(8081, '::', listening))
  const names = spawn(
    'dnsmasq',
    [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file', '--user=root'],
      ...['--local-ttl=0', '--local=/example.net/', `--addn-hosts=${hosts}`, '--bind-interfaces'],
      ...servers.map((address) => `--listen-address=${address}`),
    ],
    { stdio: 'ignore' },
  )
  after(() => {
    names.kill('SIGKILL')
    server.close()
    server.closeAllConnections()
    rmSync(folder, { recursive: true })
  })
  const tell = (lines: Readonly<Record<string, readonly string[]>>) => {
    const text = Object.entries(lines).flatMap(([name, list]) =>
      list.map((address) => `${address} ${name}.example.net`),
    )
    writeFileSync(hosts, `${text.join('\n')}\n`)
    names.kill('SIGHUP')
  }
  const upstream = (id: string, more: object = {}): Site =>
    siteOf(id, `${id}.example.org`, {
      target: { kind: 'upstream', scheme: 'http', host: `${id}.example.net`, port: 8081, verify: false, ...more },
    })
  const certificate = selfSigned('farm', [])
  const serve = (...sites: Site[]) => edge.serve({ ...farmOf(certificate, sites), near })
  const status = async (id: string) => (await ask(`${id}.example.org`, '/')).status
  const becomes = async (id: string, wanted: number) => {
    const until = performance.now() + 30_000
    while ((await status(id)) !== wanted) {
      assert.ok(performance.now() < until, `${id} is never ${wanted}`)
      await sleep(100)
    }
  }
  const hostile = {
    loop: ['127.0.0.1'],
    mapped: ['::ffff:127.0.0.1'],
    compatible: ['::127.0.0.1'],
    six: ['::1'],
    zero: ['0.0.0.0'],
    none: ['::'],
    cloud: ['169.254.169.254'],
    link: ['fe80::1'],
    guest: ['10.100.0.7'],
  }

  test('names that lead away are followed, those that lead to the host are not, however it is written', async () => {
    tell({ ...hostile, away: [far], away6: [far6], both: [far, far6] })
    await serve(...[...Object.keys(hostile), 'away', 'away6', 'both', 'unknown'].map((id) => upstream(id)))
    for (const id of ['away', 'away6', 'both']) await becomes(id, 200)
    for (const id of [...Object.keys(hostile), 'unknown']) {
      const { status, text } = await ask(`${id}.example.org`, '/')
      assert.equal(status, 503, id)
      assert.doesNotMatch(text, /secret/, id)
    }
  })

  test('one that led away and leads to the host now is followed no more; root may say that one does', async () => {
    tell({ away: ['127.0.0.1'], told: ['127.0.0.1'] })
    await serve(upstream('away'), upstream('told', { near: true }))
    await becomes('told', 200)
    await becomes('away', 503)
    tell({ away: [far] })
    await serve(upstream('away'), upstream('told', { near: true }), upstream('other'))
    await becomes('away', 200)
  })

  test('what is near changes without new workers', async () => {
    await serve(upstream('away'))
    await becomes('away', 200)
    assert.equal(
      await edge.serve({ ...farmOf(certificate, [upstream('away')]), near: [...near, `${far}/32`] }),
      'runtime',
    )
    await becomes('away', 503)
  })
}
