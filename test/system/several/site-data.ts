/** A site with lasting data changes its host while it is asked, goes on when a daemon dies, and comes back when that host is emptied. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { AppConfig } from '../../../src/api/app.ts'
import type { Site } from '../../../src/api/site.ts'
import type { Volume } from '../../../src/api/volume.ts'
import type { TemplateRecord } from '../../../src/daemon/records/records.ts'
import type { LoadOrder, LoadReport } from '../../load/load.ts'
import type { TestHosts } from '../hosts.ts'

const program = new URL('../../load/load.ts', import.meta.url).pathname
const site = 'shop/prod'
const domain = 'shop.example.org'
/** Serves what lies in its data, by what every Debian has. */
const server = [
  'my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die;',
  'while (my $c = $s->accept) { while (<$c>) { last if /^\\s*$/ }',
  'my $t = ""; if (open my $f, "<", "/srv/data/files/index.html") { $t = join "", <$f> }',
  'print $c "HTTP/1.0 200 OK\\r\\nContent-Length: ".length($t)."\\r\\n\\r\\n".$t; close $c }',
].join(' ')
const config: AppConfig = {
  daemon: { web: { command: `perl -MIO::Socket::INET -e '${server}'`, port: 8080 } },
  data: { files: { path: '/srv/data/files', sizeBytes: 200 * 1024 ** 2 } },
}

export function siteData(hosts: TestHosts): void {
  const { ash, birch } = hosts

  const show = () => ash.json<Site>('site', 'show', site)
  const asRoot = (script: string) => ash.croftOk('exec', `${site}/1`, '--plain', '--', 'sh', '-ec', script)
  /** Names, contents, owners, modes and times. */
  const hash = () => asRoot('tar -C /srv/data/files --sort=name --numeric-owner -cf - . | sha256sum')
  const ready = async () => {
    const { instances } = await show()
    return instances.filter(({ state }) => state === 'ready').map(({ name, host }) => `${name} ${host}`)
  }
  const volumesAt = async () =>
    (await ash.json<Volume[]>('volume', 'ls', site)).map(({ name, host }) => `${name} ${host}`)

  /** Its disk is the template's that both have: as a record, which the daemon finds as it finds its own. */
  async function begin(): Promise<void> {
    const { body } = await ash.api('GET', '/v1/data?prefix=templates/debian:12')
    const [{ value }] = body as [{ value: TemplateRecord }]
    const release = {
      ...{ app: 'shop', version: 'v1', commit: null, source: 'a folder', platform: 'plain', config },
      ...{ hash: 'v1', by: 'root', build: 'b', buildSeconds: 1 },
    }
    const { status, text } = await ash.api('PUT', '/v1/data?key=templates/shop:v1', {
      value: { ...value, ref: 'shop:v1', release },
    })
    assert.equal(status, 200, text)
    await ash.croftOk('host', 'drain', 'birch')
    await ash.croftOk('deploy', site, 'v1', '--domain', domain)
    await ash.croftOk('host', 'undrain', 'birch')
    await asRoot(
      'cd /srv/data/files; echo well >index.html; mkdir deep; head -c 20000000 /dev/urandom >deep/big; ln -s big deep/link; touch -d 2001-02-03 deep; chown -R 800:800 .; chown 33:34 deep/big',
    )
  }

  function visit(): () => Promise<LoadReport> {
    const order: LoadOrder = { address: ash.address.v4, port: 443, hosts: [domain], connections: 2, pauseMs: 20 }
    const child = ash.background('outside', { file: process.execPath, args: [program, JSON.stringify(order)] }, 'pipe')
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

  test('data of a site goes to another host while it is asked, and comes back when that one is emptied', async (context) => {
    await begin()
    assert.deepEqual(await volumesAt(), [`${site}:files ash`])
    const had = await hash()
    const plan = await ash.croftOk('move', site, 'birch', '--dry-run')
    assert.match(plan, /copy +files, about .* to birch while it serves/)
    assert.match((await ash.croft('move', `${site}/1`, 'birch')).stderr, /croft move shop\/prod birch/)

    const leave = visit()
    const moved = await birch.croft('move', site, 'birch', '--rate', '200M')
    assert.equal(moved.code, 0, `${moved.stderr}\n${ash.logTail(9)}\n${birch.logTail(9)}`)
    assert.match(moved.stdout, /shop\/prod on birch: down \d+\.\d s, same address/)
    await ash.waitFor(async () => (await show()).state === 'serves' && (await ready()).length === 1, 60_000)
    const { statuses, failures, requests, gapMs } = await leave()
    context.diagnostic(
      `${moved.stdout.trim()}; ${requests} requests, longest gap ${gapMs} ms, ${JSON.stringify(statuses)} ${JSON.stringify(failures)}`,
    )
    assert.ok((statuses[200] ?? 0) > 20)
    assert.deepEqual(await ready(), [`${site}/1 birch`])
    assert.deepEqual(await volumesAt(), [`${site}:files birch`])
    assert.equal(await hash(), had)
    assert.equal(await ash.croftOk('host', 'plan'), await birch.croftOk('host', 'plan'))

    birch.arm('move.land.after')
    await ash.croft('host', 'drain', 'birch', '--move', '--no-wait')
    await birch.daemonGone(60_000)
    await birch.startDaemon()
    await ash.waitFor(async () => (await ready()).join() === `${site}/1 ash`, 90_000)
    assert.equal(await hash(), had)
    const full = await ash.croft(
      'exec',
      `${site}/1`,
      '--plain',
      '--',
      'sh',
      '-c',
      'head -c 300000000 /dev/zero >/srv/data/files/full',
    )
    assert.match(full.stderr, /quota|space/i)
    await ash.waitFor(async () => (await ash.json<object[]>('data', 'ls', 'moves/')).length === 0, 60_000)
    await ash.croftOk('host', 'undrain', 'birch')
    await ash.croftOk('site', 'rm', site, '--discard-data', '-y')
  })
}
