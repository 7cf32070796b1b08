/** Repositories over ssh and https, with keys, authorities and submodules; what a build may see, how it is cancelled, and what stays of many. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Build, Release } from '../../src/api/site.ts'
import type { TemplateRecord } from '../../src/daemon/records/records.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { keptReleases } from '../../src/plan/retention.ts'
import { tarOf } from '../archives/make.ts'
import { addGitBase, mergedRoot } from './bases.ts'
import { at, createTestFarm } from './farm.ts'

const farm = await createTestFarm()
const run = createRunner()
const work = await mkdtemp('/tmp/croft-git-')
let failed = true
after(async () => {
  await farm.dispose({ keepLog: failed })
  await rm(work, { recursive: true, force: true })
})
await addGitBase(farm)

const command = (file: string, ...args: string[]) =>
  run.run({ file, args, env: { HOME: work, GIT_CONFIG_NOSYSTEM: '1' }, timeoutMs: 30_000 })
const as = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'protocol.file.allow=always']
const newest = async (): Promise<Build> => (await farm.json<Build[]>('build', 'ls'))[0] as Build
const build = (...words: string[]) => farm.croftWith({ timeoutMs: 300_000 }, 'build', 'shop', ...words)
const secret = async (name: string, stdin: string): Promise<void> => {
  const said = await farm.croftWith({ stdin }, 'secret', 'set', 'shop/build', name)
  assert.equal(said.code, 0, said.stderr)
}

/** `shop` has `theme` as a submodule, told by a path beside it. */
async function repositories(): Promise<void> {
  for (const [name, commands] of [
    ['theme', []],
    [
      'shop',
      [
        'test -e theme/look.css',
        'printf %s "$TOKEN" | wc -c | grep -qx 11 && echo "the token is $TOKEN"',
        'test ! -e /tmp/deploy-key',
      ],
    ],
    ['bare', ['test ! -e theme/look.css']],
    ['thief', []],
  ] as const) {
    const folder = join(work, name)
    const git = (...args: string[]) => command('git', '-C', folder, ...as, ...args)
    await mkdir(folder)
    await git('init', '-q', '-b', 'main')
    const secrets = { shop: '["TOKEN"]', thief: '["DEPLOY_KEY"]', theme: '[]', bare: '[]' }[name]
    const more = `submodules = ${name === 'shop'}\nsecrets = ${secrets}`
    const toml = `[app]\nname = "shop"\n[build]\ncommands = ${JSON.stringify(commands)}\n${more}\n`
    await writeFile(join(folder, name === 'theme' ? 'look.css' : 'croft.toml'), toml)
    await git('add', '.')
    if (name === 'shop' || name === 'bare') {
      await git('submodule', '--quiet', 'add', join(work, 'theme'), 'theme')
      await git('config', '-f', '.gitmodules', 'submodule.theme.url', '../theme')
    }
    await git('commit', '-q', '-a', '-m', 'one')
  }
}

/** One whose submodules would run something, or read this disk. */
async function hostileRepository(name: string, url: string): Promise<void> {
  const folder = join(work, name)
  await command('cp', '-a', join(work, 'shop'), folder)
  await command('git', '-C', folder, 'config', '-f', '.gitmodules', 'submodule.theme.url', url)
  await command('git', '-C', folder, ...as, 'commit', '-q', '-a', '-m', 'two')
}

const sshPort = 2222
const httpsPort = 8443
const overSsh = (name: string): string => `ssh://root@${at.outside.v4}:${sshPort}/run/served/${name}`
const overHttps = (name: string): string => `https://${at.outside.v4}:${httpsPort}/${name}/.git`

/** The server of a distribution, in a root of its own: it has nothing of this machine's. */
const sshServer = `set -e
mount -t tmpfs tmpfs "$1/run"
mkdir -p "$1/run/sshd" "$1/run/served"
mount --bind "$2" "$1/run/served"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
exec chroot "$1" /usr/sbin/sshd -D -e -p ${sshPort} -h /run/served/host -o UsePAM=no -o StrictModes=no \
  -o AuthorizedKeysFile=/run/served/key.pub -o PasswordAuthentication=no
`

async function serveBoth(): Promise<void> {
  for (const name of ['host', 'key'])
    await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(work, name))
  const [cert, key] = [join(work, 'cert.pem'), join(work, 'cert.key')]
  const about = ['-subj', '/CN=git', '-addext', `subjectAltName=IP:${at.outside.v4}`, '-days', '7']
  await command(
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    ...about,
    '-keyout',
    key,
    '-out',
    cert,
  )
  const words = ['--mount', 'sh', '-c', sshServer, 'sh', await mergedRoot(), work]
  farm.background('outside', { file: 'unshare', args: words })
  const order = JSON.stringify({ folder: work, port: httpsPort, cert, key })
  const program = new URL('git-https.ts', import.meta.url).pathname
  farm.background('outside', { file: process.execPath, args: [program, order] })
  for (const port of [sshPort, httpsPort])
    await farm.waitFor(
      async () => (await farm.outside({ file: 'bash', args: ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`] })).code === 0,
      60_000,
    )
}

test("over ssh with a deploy key, submodules and a secret; over https with an authority of one's own", async () => {
  await repositories()
  await serveBoth()
  await farm.croftOk('app', 'add', 'shop', `git=${overSsh('shop')}`, 'ref=main')
  await secret('KNOWN_HOSTS', `[${at.outside.v4}]:${sshPort} ${await readFile(join(work, 'key.pub'), 'utf8')}`)
  assert.match((await build()).stderr, /git fetch .*[\s\S]*Host key verification failed/)
  await secret('KNOWN_HOSTS', `[${at.outside.v4}]:${sshPort} ${await readFile(join(work, 'host.pub'), 'utf8')}`)
  assert.match((await build()).stderr, /git fetch .*[\s\S]*Permission denied \(publickey/)
  await secret('DEPLOY_KEY', await readFile(join(work, 'key'), 'utf8'))
  await secret('TOKEN', 'swordfish-9')
  const said = await build('--as', 'v1')
  assert.equal(said.code, 0, said.stderr)
  const log = await farm.croftOk('build', 'logs', (await newest()).id)
  assert.match(log, /the token is \*\*\*/)
  assert.doesNotMatch(said.stdout + said.stderr + log, /swordfish/)

  assert.match((await build('--git', overHttps('bare'), '--ref', 'main')).stderr, /certificate/)
  await secret('GIT_CA', await readFile(join(work, 'cert.pem'), 'utf8'))
  const bare = await build('--git', overHttps('bare'), '--ref', 'main', '--as', 'v2')
  assert.equal(bare.code, 0, bare.stderr)
  assert.match((await build('--git', overSsh('thief'), '--ref', 'main')).stderr, /DEPLOY_KEY, which is for fetching/)
})

test('a submodule by a way that runs something or reads the disk is refused', async () => {
  for (const [name, url] of [
    ['runs', 'ext::sh -c "touch /tmp/owned"'],
    ['reads', 'file:///run/served/theme'],
  ] as const) {
    await hostileRepository(name, url)
    assert.match(
      (await build('--git', overSsh(name), '--ref', 'main')).stderr,
      /git submodule[\s\S]*transport '(ext|file)' not allowed/,
    )
  }
  assert.deepEqual(await farm.json('ls'), [])
})

test('a build is cancelled amid its commands; of many releases the newest stay, and what runs', async () => {
  const toml = '[app]\nplatform = "plain"\n[build]\ncommands = ["test ! -e waits || sleep 1000", "date >made"]\n'
  const waits = join(work, 'waits.tar')
  await writeFile(
    waits,
    tarOf([
      { path: 'croft.toml', content: toml },
      { path: 'waits', content: '' },
    ]),
  )
  const told = build('--tar', waits)
  await farm.waitFor(async () => (await newest()).step === 'build', 120_000)
  await farm.croftOk('build', 'cancel', (await newest()).id)
  assert.notEqual((await told).code, 0)
  assert.equal((await newest()).state, 'cancelled')
  await farm.waitFor(async () => (await farm.json<unknown[]>('ls')).length === 0, 60_000)

  await farm.croftOk('create', 'uses', 'shop:v1')
  await copies('v2', keptReleases)
  const quick = join(work, 'quick.tar')
  await writeFile(quick, tarOf([{ path: 'croft.toml', content: toml }]))
  assert.equal((await build('--tar', quick, '--as', 'last')).code, 0)
  await farm.waitFor(async () => (await versions()).length === keptReleases + 1, 60_000)
  const kept = await versions()
  assert.deepEqual([kept.includes('v1'), kept.includes('v2'), kept.includes('last')], [true, false, true], kept.join())
  failed = false
})

const versions = async (): Promise<string[]> =>
  (await farm.json<Release[]>('release', 'ls', 'shop')).map(({ version }) => version)

/** Releases like that one, each with a disk of its own: as they would be after as many builds. */
async function copies(of: string, count: number): Promise<void> {
  const { body } = await farm.api('GET', `/v1/data?prefix=templates/shop:${of}`)
  const [{ value }] = body as [{ value: TemplateRecord }]
  const disk = join(farm.poolDir, 'templates', value.id)
  const manifest = JSON.parse(await readFile(`${disk}.json`, 'utf8'))
  const ids = Array.from({ length: count }, () => randomUUID())
  for (const [index, id] of ids.entries()) {
    await command('btrfs', 'subvolume', 'snapshot', '-r', disk, join(farm.poolDir, 'templates', id))
    const text = JSON.stringify({ ...manifest, id, ref: `shop:copy${index}` })
    await writeFile(join(farm.poolDir, 'templates', `${id}.json`), text, { mode: 0o600 })
  }
  await farm.croftOk('host', 'apply', '--adopt')
  for (const [index, id] of ids.entries()) {
    const [ref, created] = [`shop:copy${index}`, new Date().toISOString()]
    const release = { ...value.release, version: `copy${index}` }
    const put = { value: { ...value, ref, id, created, release } }
    assert.equal((await farm.api('PUT', `/v1/data?key=templates/${ref}`, put)).status, 200)
  }
}
