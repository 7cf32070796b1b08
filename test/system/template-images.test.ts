/** Templates from archives, from guests, and back into archives, by the command and real tools. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Template } from '../../src/api/resources.ts'
import { systemEnv } from '../../src/daemon/env.ts'
import { assertHash } from '../../src/daemon/host/make-template.ts'
import { fetchFile } from '../../src/daemon/uploads/fetch.ts'
import { Uploads } from '../../src/daemon/uploads/uploads.ts'
import { bareRoot, type Given, ociOf, squashfsOf, tarOf, tinySystem } from '../archives/make.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const folder = await mkdtemp('/var/tmp/croft-images-')
after(() => rm(folder, { recursive: true, force: true }))
const file = (name: string): string => join(folder, name)

const show = (ref: string): Promise<Template> => farm.json<Template>('template', 'show', ref)

test('import, publish, export, import: the same template, and a guest of it is somebody else', async () => {
  await writeFile(file('tiny.tar.gz'), gzipSync(tarOf(tinySystem)))
  await farm.croftOk('template', 'import', 'tiny:1', file('tiny.tar.gz'))
  await farm.croftOk('create', 'web', 'tiny:1', '--wait=stable')
  await farm.inGuest('web', 'sh', '-c', 'echo kept > /srv/note; echo c0ffee > /etc/machine-id; ls -l /srv; sync')
  await farm.croftOk('snapshot', 'add', 'web@s1')
  await farm.croftOk('template', 'publish', 'web@s1', 'web:v1')
  const published = await show('web:v1')
  assert.equal(published.state, 'ready')
  assert.equal(published.source.from, 'guest web@s1')
  const said = await farm.croftOk('template', 'export', 'web:v1', file('web.tar.zst'))
  const sha256 = /sha256 ([0-9a-f]{64})/.exec(said)?.[1] ?? ''
  await farm.croftOk('template', 'import', 'web:v2', file('web.tar.zst'), '--sha256', sha256)
  const imported = await show('web:v2')
  assert.equal(imported.sha256, published.sha256)
  assert.equal(imported.sizeBytes, published.sizeBytes)
  await farm.croftOk('create', 'web2', 'web:v2', '--wait=stable')
  assert.equal(await farm.inGuest('web2', 'cat', '/srv/note'), 'kept')
  assert.equal(await farm.inGuest('web2', 'cat', '/etc/hostname'), 'web2')
  assert.equal(await farm.inGuest('web2', 'cat', '/etc/machine-id'), '')
  assert.notEqual(await farm.inGuest('web2', 'cat', '/etc/croft-id'), await farm.inGuest('web', 'cat', '/etc/croft-id'))
  await farm.croftOk('rm', 'web', 'web2', '-y')
  await farm.croftOk('template', 'rm', 'web:v1', 'web:v2', 'tiny:1', '-y')
})

test('archives are packed side by side: who is done first ends nobody else', async () => {
  await writeFile(file('beside.tar.gz'), gzipSync(tarOf(tinySystem)))
  await farm.croftOk('template', 'import', 'beside:1', file('beside.tar.gz'))
  await Promise.all(
    Array.from({ length: 8 }, async (_, at) => {
      await sleep(at * 40)
      assert.match(await farm.croftOk('template', 'export', 'beside:1', file(`beside${at}`)), /sha256 [0-9a-f]{64}/)
    }),
  )
  await farm.croftOk('template', 'rm', 'beside:1', '-y')
})

test('an image of an application: its command runs as its user, with its words, environment and folder', async () => {
  const words = [
    '-c',
    'echo "$0|$1|$COLOUR|$(/app/busybox id -u):$(/app/busybox id -g)|$(pwd)"; exec /app/busybox sleep 1000',
    "it's",
    'two\n"words" ',
  ]
  const config = {
    Entrypoint: ['busybox', 'sh'],
    Cmd: words,
    Env: ['PATH=/nowhere:/app', 'COLOUR=dark $blue'],
    User: 'lark:birds',
    WorkingDir: '/app',
    StopSignal: 'SIGKILL',
  }
  const gone = [{ path: 'app/.wh.old' }, { path: 'app/new', content: 'new' }]
  const layers = [tarOf([...bareRoot, { path: 'app/old', content: 'old' }]), gzipSync(tarOf(gone))]
  await writeFile(file('app.oci.tar'), ociOf(config, layers))
  await farm.croftOk('template', 'import', 'app:1', file('app.oci.tar'))
  const { init } = await show('app:1')
  assert.equal(init?.kind, 'command')
  await farm.croftOk('create', 'one', 'app:1', '--wait=stable')
  const said = await farm.croftOk('logs', 'one', '--console')
  assert.match(said.replaceAll('\r', ''), /^it's\|two\n"words" \|dark \$blue\|1234:77\|\/app$/m)
  assert.deepEqual((await farm.inGuest('one', '/app/busybox', 'ls', '/app')).split('\n'), ['busybox', 'new'])
  assert.match(await farm.inGuest('one', '/app/busybox', 'cat', '/etc/hosts'), / one\.meadow\.internal one$/m)
  await farm.croftOk('clone', 'one', 'two')
  await farm.croftOk('template', 'publish', 'two', 'app:2')
  assert.deepEqual((await show('app:2')).init, init)
  await farm.croftOk('rm', 'one', 'two', '-y')
  await farm.croftOk('template', 'rm', 'app:1', 'app:2', '-y')
})

test('an image in two files: a squashfs and what describes it, with the fingerprint of both; one for another machine leaves nothing', async () => {
  const describing = (architecture: string) =>
    tarOf([{ path: 'metadata.yaml', content: `architecture: ${architecture}\n` }])
  const [rootfs, metadata] = [squashfsOf(tiny()), gzipSync(describing(process.arch === 'arm64' ? 'aarch64' : 'x86_64'))]
  await writeFile(file('rootfs.squashfs'), rootfs)
  await writeFile(file('incus.tar.gz'), metadata)
  const fingerprint = createHash('sha256').update(metadata).update(rootfs).digest('hex')
  const take = (ref: string, ...words: string[]) =>
    farm.croft('template', 'import', ref, file('rootfs.squashfs'), ...words)
  const wrong = await take('two:1', file('incus.tar.gz'), '--sha256', '0'.repeat(64))
  assert.match(wrong.stderr, /together have the sha256/)
  assert.equal((await take('two:1', file('incus.tar.gz'), '--sha256', fingerprint)).code, 0)
  assert.equal((await take('one:1')).code, 0)
  assert.equal((await show('two:1')).sha256, (await show('one:1')).sha256)
  await farm.croftOk('create', 'two', 'two:1', '--wait=stable')
  assert.match(await farm.inGuest('two', 'ls', '/'), /^bin$/m)
  await writeFile(file('other.tar'), describing('s390x'))
  assert.match((await take('bad:1', file('other.tar'))).stderr, /is for "s390x"/)
  assert.deepEqual(await readdir(join(farm.poolDir, 'staging')), [])
  assert.equal((await farm.croft('template', 'import', 'bad:1', 'https://example.org/x', file('other.tar'))).code, 2)
  await farm.croftOk('rm', 'two', '-y')
  await farm.croftOk('template', 'rm', 'one:1', 'two:1', '-y')
})

const tiny = (...more: Given[]): Buffer => tarOf([...tinySystem, ...more])

test('what is refused leaves nothing: no template, no file, no subvolume', async () => {
  const good = gzipSync(tiny())
  const hash = createHash('sha256').update(good).digest('hex')
  await writeFile(file('good'), good)
  const refused: readonly (readonly [number, RegExp, Buffer, ...string[]])[] = [
    [1, /leads outside/, tiny({ path: '../../out', content: 'x' })],
    [1, /goes through/, tiny({ path: 'way', kind: 'symlink', target: farm.stateDir }, { path: 'way/in' })],
    [1, /device node/, tiny({ path: 'etc/disk', kind: 'device' })],
    [1, /more than \d+ bytes/, gzipSync(tiny({ path: 'zeros', content: Buffer.alloc(2 ** 22) })), '--limit-size', '3M'],
    [1, /truncated/, good.subarray(0, good.length - 100_000)],
    [1, /sbin\/init is missing/, tarOf(bareRoot)],
    [1, /setuid and anyone may write/, tiny({ path: 'bin/su', mode: 0o4777 })],
    [1, /not 0{64}/, good, '--sha256', '0'.repeat(64)],
    [2, /--sha256 takes/, good, '--sha256', hash.slice(0, 20)],
    [2, /--sha256 takes/, good, '--sha256', `../../${hash.slice(6)}`],
  ]
  for (const [code, why, archive, ...words] of refused) {
    await writeFile(file('bad'), archive)
    const said = await farm.croft('template', 'import', 'bad:1', file('bad'), ...words)
    assert.match(said.stderr, why)
    assert.equal(said.code, code, said.stderr)
  }
  const { body } = await farm.api('POST', '/v1/templates/bad:1/import', {
    upload: 'a'.repeat(26),
    sha256: hash.slice(1),
  })
  assert.equal((body as { code: string }).code, 'BAD_VALUE')
  assert.equal((await farm.croft('template', 'show', 'bad:1')).code, 3)
  assert.deepEqual(await readdir(join(farm.stateDir, 'uploads')), [])
  assert.deepEqual(await readdir(join(farm.poolDir, 'staging')), [])
})

test('a daemon killed while it imports: the next one finds nothing, and says so', async () => {
  await writeFile(file('tiny.tar'), tiny())
  await farm.restartDaemon({ env: { CROFT_FAILPOINT: 'build.after' } })
  assert.notEqual((await farm.croft('template', 'import', 'late:1', file('tiny.tar'))).code, 0)
  await farm.daemonGone()
  await farm.startDaemon()
  await farm.waitFor(async () => (await farm.croft('template', 'show', 'late:1')).code === 3)
  const [last] = await farm.json<{ state: string; error?: { message: string } }[]>('op', 'ls')
  assert.match(last?.error?.message ?? '', /interrupted/)
  assert.deepEqual(await readdir(join(farm.stateDir, 'uploads')), [])
  assert.deepEqual(await readdir(join(farm.poolDir, 'staging')), [])
})

test('from an address: fetched by the daemon when the hash fits; a redirect is followed, a wrong hash refused', async () => {
  const archive = gzipSync(tiny())
  const server = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/image' }).end()
    else if (request.url === '/round') response.writeHead(302, { location: '/round' }).end()
    else if (request.url === '/file') response.writeHead(302, { location: 'file:///etc/shadow' }).end()
    else response.end(archive)
  })
  const ask = async (path: string, sha256: string): Promise<string> => {
    const uploads = new Uploads(folder, systemEnv)
    const { body } = await fetchFile(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
      ...{ maxBytes: 2 ** 24, signal: AbortSignal.timeout(20_000) },
    })
    const upload = await uploads.receive(body, 2 ** 24)
    await uploads.remove(upload.id)
    assertHash(sha256, upload.sha256)
    return upload.sha256
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const hash = createHash('sha256').update(archive).digest('hex')
    assert.equal(await ask('/moved', hash), hash)
    await assert.rejects(ask('/image', '0'.repeat(64)), { code: 'HASH_DIFFERS' })
    await assert.rejects(ask('/round', hash), /redirects/)
    await assert.rejects(ask('/file', hash), { code: 'BAD_VALUE' })
  } finally {
    server.close()
    server.closeAllConnections()
  }
  const said = await farm.croft(
    'template',
    'import',
    'net:1',
    'http://127.0.0.1:1/x?key=zzkeyzz',
    '--sha256',
    '0'.repeat(64),
  )
  assert.match(said.stderr, /127\.0\.0\.1:1/)
  for (const path of ['history', 'operations', 'templates'])
    assert.doesNotMatch((await farm.api('GET', `/v1/${path}`)).text, /zzkeyzz/)
  assert.equal((await farm.croft('template', 'import', 'net:1', 'http://127.0.0.1:1/x')).code, 2)
  assert.equal((await farm.croft('template', 'show', 'net:1')).code, 3)
})
