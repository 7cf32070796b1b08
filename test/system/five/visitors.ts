/** Who visits the sites of a farm of several hosts, and the site that they visit. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TemplateRecord } from '../../../src/daemon/records/records.ts'
import { createRunner } from '../../../src/drivers/exec/runner.ts'
import type { LoadOrder, LoadReport } from '../../load/load.ts'
import type { TestHost } from '../hosts.ts'

const program = new URL('../../load/load.ts', import.meta.url).pathname

/** Until who made them has heard enough: at that host's edge, all its names in turn. */
export function visit(host: TestHost, names: readonly string[]): () => Promise<LoadReport> {
  const order: LoadOrder = { address: host.address.v4, port: 443, hosts: names, connections: 2, pauseMs: 20 }
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
}

/** What that host's edge says to a visitor; empty: nothing. */
export async function page(host: TestHost, name: string, from: 'outside' | 'host' = 'outside'): Promise<string> {
  const args = ['-sk', '-m', '5', '--resolve', `${name}:443:${host.address.v4}`, `https://${name}/`]
  return (await host[from]({ file: 'curl', args })).stdout.trim()
}

const serve = (folder: string): string =>
  `sh -c 'test -z "$BAD" || sleep 1; test -z "$BAD" && exec /srv/app/busybox httpd -f -p 8080 -h /srv/app/${folder}'`

const toml = `[app]
name = "shop"
[daemon.web]
command = """${serve('v1')}"""
port = 8080
health = { http = "/up", within = "60s" }
`

/** `shop:v1` and `shop:v2`, each says its name; where BAD is set they serve nothing. */
export async function buildShop(host: TestHost): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'croft-shop-'))
  const tar = `${folder}.tar.gz`
  try {
    for (const version of ['v1', 'v2']) {
      await mkdir(join(folder, version))
      await writeFile(join(folder, version, 'index.html'), version)
      await writeFile(join(folder, version, 'up'), 'well')
    }
    await copyFile('/bin/busybox', join(folder, 'busybox'))
    await writeFile(join(folder, 'croft.toml'), toml)
    await createRunner().run({ file: 'tar', args: ['-czf', tar, '-C', folder, '.'], timeoutMs: 30_000 })
    await host.croftOk('build', 'shop', '--tar', tar, '--as', 'v1')
  } finally {
    await rm(folder, { recursive: true })
    await rm(tar, { force: true })
  }
  const { body } = await host.api('GET', '/v1/data?prefix=templates/shop:v1')
  const [{ value }] = body as [{ value: TemplateRecord }]
  const { release } = value
  assert.ok(release)
  const daemon = { web: { ...release.config.daemon?.web, command: serve('v2') } }
  const second = { ...release, version: 'v2', config: { ...release.config, daemon } }
  const put = { value: { ...value, ref: 'shop:v2', release: second } }
  assert.equal((await host.api('PUT', '/v1/data?key=templates/shop:v2', put)).status, 200)
}
