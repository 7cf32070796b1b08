/** Builds as people ask for them, in real guests: archives, folders and repositories, kind ones and hostile ones. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import type { Build, Release } from '../../src/api/site.ts'
import { baseName } from '../../src/daemon/farm/build-base.ts'
import { gitPackages } from '../../src/daemon/farm/build-git.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { tarOf } from '../archives/make.ts'
import { at, useFarm } from './farm.ts'

const farm = await useFarm()
const run = createRunner()
const work = await mkdtemp('/tmp/croft-build-')
after(() => rm(work, { recursive: true, force: true }))

const plain = (build: string): string => `[app]\nname = "shop"\nplatform = "plain"\n[build]\n${build}\n`

async function archive(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const to = join(work, name)
  await writeFile(to, tarOf(Object.entries(files).map(([path, content]) => ({ path, content }))))
  return to
}

/** Nothing of it is left: no guest, no release, no cache. */
async function forget(app = 'shop'): Promise<void> {
  for (const { ref } of await farm.json<Release[]>('release', 'ls', app)) await farm.croftOk('release', 'rm', ref, '-y')
  await farm.croftOk('app', 'rm', app, '-y')
  await farm.waitFor(async () => (await farm.json<unknown[]>('op', 'ls')).every((op) => !isRunning(op)))
}
const isRunning = (op: unknown): boolean => (op as { state: string }).state === 'running'
const newest = async (): Promise<Build> => (await farm.json<Build[]>('build', 'ls'))[0] as Build

test('an archive becomes a release: what is no artifact, and what was written elsewhere, is not in it', async () => {
  const commands = [
    'id -un >who',
    'mkdir -p dist/deep && tr a-z A-Z <in.txt >dist/deep/out.txt',
    'echo kept >~/kept-for-later; echo gone >/var/tmp/gone; mv who dist/',
    "printf 'a\\033[31mred\\n'; (sleep 1000 &)",
  ]
  const config = plain(`commands = ${JSON.stringify(commands)}\nartifacts = ["dist/**"]`)
  const tar = await archive('shop.tar', { 'croft.toml': config, 'in.txt': 'hello\n' })
  await farm.croftOk('build', 'shop', '--tar', tar, '--as', 'v1')
  const build = await newest()
  assert.deepEqual([build.state, build.release, build.version], ['done', 'shop:v1', 'v1'])
  const log = await farm.croftOk('build', 'logs', build.id.slice(0, 10))
  assert.match(log, /^ared$/m)
  assert.doesNotMatch(await farm.croftOk('template', 'ls'), /shop:v1/)

  await farm.croftOk('create', 'look', 'shop:v1')
  const found = await farm.inGuest('look', 'find', '/srv/app', '/var/tmp', '/var/cache/app', '-type', 'f')
  assert.deepEqual(found.split('\n').sort(), ['/srv/app/dist/deep/out.txt', '/srv/app/dist/who'])
  assert.equal(await farm.inGuest('look', 'cat', '/srv/app/dist/who', '/srv/app/dist/deep/out.txt'), 'app\nHELLO')
  assert.equal((await farm.croft('release', 'rm', 'shop:v1', '-y')).code, 5)
  await farm.croftOk('rm', 'look', '-y')

  const same = await farm.croft('build', 'shop', '--tar', tar)
  assert.match(same.stdout, /shop:v1 is already that/)
  const other = await archive('other.tar', { 'croft.toml': config, 'in.txt': 'other\n' })
  const clash = await farm.croft('build', 'shop', '--tar', other, '--as', 'v1')
  assert.deepEqual([clash.code, /built from something else/.test(clash.stderr)], [5, true])
  // What the build before had kept is there.
  const cached = plain(
    'commands = ["cat ~/kept-for-later >seen", "[ \\"$MARK\\" = \\"a b\\" ]"]\nenv = { MARK = "a b" }',
  )
  await farm.croftOk('build', 'shop', '--tar', await archive('cached.tar', { 'croft.toml': cached }), '--as', 'v2')
  await forget()
})

test('a daemon that dies leaves a build to the next one, which begins again or gives it up', async () => {
  const armed = join(farm.stateDir, 'failpoint')
  await writeFile(armed, '')
  await farm.restartDaemon({ env: { CROFT_FAILPOINT: armed } })
  const tar = await archive('kill.tar', { 'croft.toml': plain('commands = ["date >made"]') })
  const { sha256, port } = await serve(tar)
  const url = ['--tar', `http://127.0.0.1:${port}/kill.tar`, '--sha256', sha256]
  for (const [failpoint, source, state] of [
    ['buildCommands.after', url, 'done'],
    ['buildPublish.after', url, 'done'],
    ['buildSource.after', ['--tar', tar], 'failed'],
  ] as const) {
    await writeFile(armed, failpoint)
    const version = failpoint.toLowerCase()
    await farm.croft('build', 'shop', ...source, '--as', version)
    await farm.daemonGone()
    await writeFile(armed, '')
    await farm.startDaemon({ CROFT_FAILPOINT: armed })
    await farm.waitFor(async () => (await newest()).state !== 'running', 60_000, failpoint)
    const { state: ended, reason } = await newest()
    assert.equal(ended, state, `${failpoint}: ${reason}`)
    const refs = (await farm.json<Release[]>('release', 'ls', 'shop')).map(({ ref }) => ref)
    assert.equal(refs.includes(`shop:${version}`), state === 'done', failpoint)
    await farm.croft('release', 'rm', `shop:${version}`, '-y')
  }
  assert.deepEqual(await farm.json('ls'), [])
  await forget()
})

/** A file of this host over http, to its own namespace. */
async function serve(file: string): Promise<{ sha256: string; port: number }> {
  const port = 18_080
  const words = ['httpd', '-f', '-p', `127.0.0.1:${port}`, '-h', dirname(file)]
  farm.background('host', { file: '/bin/busybox', args: words })
  const sum = await run.run({ file: 'sha256sum', args: ['--', file], timeoutMs: 10_000 })
  const look = { file: '/bin/busybox', args: ['wget', '-q', '-O', '/dev/null', `http://127.0.0.1:${port}/`] }
  await farm.waitFor(async () => /404/.test((await farm.host(look)).stderr))
  return { sha256: sum.slice(0, 64), port }
}

test('a repository: the tag is the version, a branch its commit; hooks and history stay out', async () => {
  await addGitBase()
  const { folder, commit } = await repository()
  const words = ['daemon', '--export-all', `--base-path=${work}`, '--reuseaddr', '--listen=0.0.0.0']
  farm.background('outside', { file: 'git', args: words })
  const url = `git://${at.outside.v4}/${folder}`
  await farm.waitFor(async () => (await farm.outside({ file: 'git', args: ['ls-remote', url] })).code === 0)
  await farm.croftOk('build', 'shop', '--git', url, '--ref', 'v1.2.3')
  assert.equal((await newest()).release, 'shop:v1.2.3')
  await farm.croftOk('app', 'set', 'shop', `git=${url}`, 'ref=main')
  await farm.croftOk('build', 'shop')
  const { release, commit: built } = await newest()
  assert.deepEqual([release, built], [`shop:${commit.slice(0, 8)}`, commit])
  const missing = await farm.croft('build', 'shop', '--ref', 'nowhere')
  assert.match(missing.stderr, /git fetch .*nowhere/)
  for (const bad of [
    'ext::sh -c true',
    'file:///etc',
    '--upload-pack=touch /tmp/x',
    'https://me:secret@example.org/x.git',
  ]) {
    const said = await farm.croft('build', 'shop', `--git=${bad}`)
    assert.equal(said.code, 2, bad)
    assert.doesNotMatch(said.stderr, /secret@/)
  }
  await forget()
  for (const { ref } of await farm.json<{ ref: string; of?: string }[]>('template', 'ls', '--all'))
    if (ref.startsWith('base-')) await farm.croftOk('template', 'rm', ref, '-y')
})

/** As the builder would make it, with the git of this machine. */
async function addGitBase(): Promise<void> {
  const { path, manifest } = farm.template
  const id = randomUUID()
  const to = join(farm.poolDir, 'templates', id)
  const btrfs = (...args: string[]) => run.run({ file: 'btrfs', args, timeoutMs: 60_000 })
  await btrfs('subvolume', 'snapshot', path, to)
  await cp('/usr/bin/git', join(to, 'usr/bin/git'))
  await btrfs('property', 'set', '-ts', to, 'ro', 'true')
  const ref = baseName(manifest.id, gitPackages)
  await writeFile(`${to}.json`, JSON.stringify({ ...manifest, id, ref }), { mode: 0o600 })
  await farm.croftOk('host', 'apply', '--adopt')
  await farm.waitFor(async () => (await farm.json<{ state: string }>('template', 'show', ref)).state === 'ready')
}

async function repository(): Promise<{ folder: string; commit: string }> {
  const folder = join(work, 'repo')
  await mkdir(folder)
  const env = { HOME: work, GIT_CONFIG_NOSYSTEM: '1' }
  const git = (...args: string[]) =>
    run.run({
      file: 'git',
      args: ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args],
      env,
      timeoutMs: 10_000,
    })
  await git('init', '-q', '-b', 'main')
  const commands = '["test ! -e .git", "test ! -e /tmp/deploy-key", "cat in.txt"]'
  await writeFile(join(folder, 'croft.toml'), plain(`commands = ${commands}`))
  await writeFile(join(folder, 'in.txt'), 'one\n')
  await git('add', '.')
  await git('commit', '-q', '-m', 'one')
  await git('tag', 'v1.2.3')
  await writeFile(join(folder, 'in.txt'), 'two\n')
  await git('commit', '-q', '-a', '-m', 'two')
  return { folder: 'repo', commit: (await git('rev-parse', 'HEAD')).trim() }
}

test('a folder: what git lists, and the version says that it differs', async () => {
  const here = join(work, 'repo')
  await writeFile(join(here, 'in.txt'), 'three\n')
  await writeFile(join(here, '.gitignore'), 'node_modules\n')
  await mkdir(join(here, 'node_modules'))
  await writeFile(join(here, 'node_modules/x'), 'x')
  await writeFile(join(here, '.git/hooks/post-index-change'), '#!/bin/sh\ntouch /tmp/croft-hook-ran\n', { mode: 0o755 })
  const main = process.env.CROFT_ENTRY || new URL('../../src/cli/main.ts', import.meta.url).pathname
  const said = await farm.host({
    file: process.execPath,
    args: [main, 'app', 'build'],
    env: { ...farm.env() },
    cwd: here,
    timeoutMs: 60_000,
  })
  assert.equal(said.code, 0, said.stderr)
  const { version, source } = await newest()
  assert.match(version ?? '', /^[0-9a-f]{8}-dirty-[0-9a-f]{6}$/)
  assert.match(source, /with changes/)
  await assert.rejects(readFile('/tmp/croft-hook-ran'))
  await forget()
})
