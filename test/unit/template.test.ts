import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isCode } from '../../src/api/errors.ts'
import type { Runner } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { checkTemplate } from '../../src/drivers/template/check.ts'
import type { TemplateSource } from '../../src/drivers/template/driver.ts'
import { finishTree } from '../../src/drivers/template/finish.ts'
import {
  buildArchive,
  checkSource,
  mmdebstrapArgs,
  unpackArchive,
} from '../../src/drivers/template/mmdebstrap/commands.ts'
import { getDistribution } from '../../src/drivers/template/mmdebstrap/distributions.ts'
import { createMmdebstrap } from '../../src/drivers/template/mmdebstrap/index.ts'
import { buildFailed } from '../../src/drivers/template/mmdebstrap/parse.ts'
import { resolveInside } from '../../src/drivers/template/walk.ts'

async function inTree(work: (root: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'croft-tree-'))
  try {
    const root = join(folder, 'root')
    for (const path of ['usr/sbin', 'etc/ssh', 'etc/systemd/system', 'var/lib/apt', 'dev']) {
      await mkdir(join(root, path), { recursive: true })
    }
    await writeFile(join(root, 'usr/sbin/systemd'), 'init', { mode: 0o755 })
    await symlink('usr/sbin', join(root, 'sbin'))
    await symlink('/usr/sbin/systemd', join(root, 'usr/sbin/init'))
    await writeFile(join(root, 'etc/machine-id'), '')
    await work(root)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const unsafe = (pattern: RegExp) => (e: unknown) => isCode(e, 'TEMPLATE_UNSAFE') && pattern.test(String(e))

test('check: a good tree has a size and a hash that follows modes and names, not times', () =>
  inTree(async (root) => {
    const first = await checkTemplate(root)
    assert.equal(first.sizeBytes > 0 && first.files > 0, true)
    assert.deepEqual(await checkTemplate(root), first)
    await chmod(join(root, 'usr/sbin/systemd'), 0o4755)
    const second = await checkTemplate(root)
    assert.notEqual(second.sha256, first.sha256)
    await writeFile(join(root, 'etc/a\nb'), '')
    execFileSync('touch', [Buffer.concat([Buffer.from(`${root}/etc/`), Buffer.from([0xff])]).toString('latin1')])
    assert.notEqual((await checkTemplate(root)).sha256, second.sha256)
  }))

test('check: what no template may hold', async () => {
  const faults: readonly (readonly [RegExp, (root: string) => Promise<unknown>])[] = [
    [/machine-id is an identity/, (root) => writeFile(join(root, 'etc/machine-id'), 'c0ffee\n')],
    [/etc\/hostname/, (root) => symlink('/dev/null', join(root, 'etc/hostname'))],
    [/private key/, (root) => writeFile(join(root, 'etc/ssh/ssh_host_ed25519_key'), 'x')],
    [/dev\/disk is a device node/, async (root) => execFileSync('mknod', [join(root, 'dev/disk'), 'b', '254', '0'])],
    [/etc\/zero is a device node/, async (root) => execFileSync('mknod', [join(root, 'etc/zero'), 'c', '1', '5'])],
    [
      /anyone may write/,
      async (root) => {
        await writeFile(join(root, 'usr/sbin/su'), '')
        await chmod(join(root, 'usr/sbin/su'), 0o4777)
      },
    ],
    [/sbin\/init is missing/, (root) => rm(join(root, 'usr/sbin/init'))],
    [/sbin\/init is missing/, (root) => rm(join(root, 'usr/sbin/systemd'))],
  ]
  for (const [pattern, spoil] of faults) {
    await inTree(async (root) => {
      await spoil(root)
      await assert.rejects(checkTemplate(root), unsafe(pattern))
    })
  }
})

test('check: limits on files and bytes; sparse files count whole', () =>
  inTree(async (root) => {
    await assert.rejects(checkTemplate(root, { files: 3, bytes: 1e9 }), unsafe(/more than 3 files/))
    await writeFile(join(root, 'etc/sparse'), '')
    await truncate(join(root, 'etc/sparse'), 2e9)
    await assert.rejects(checkTemplate(root, { files: 1000, bytes: 1e9 }), unsafe(/bytes/))
  }))

test('links are resolved as in a chroot, loops end', () =>
  inTree(async (root) => {
    assert.equal(await resolveInside(root, 'sbin/init'), 'usr/sbin/systemd')
    await symlink('../../../../../../etc/machine-id', join(root, 'etc/up'))
    assert.equal(await resolveInside(root, 'etc/up'), 'etc/machine-id')
    await symlink('loop', join(root, 'etc/loop'))
    assert.equal(await resolveInside(root, 'etc/loop'), undefined)
    assert.equal(await resolveInside(root, 'etc/machine-id/below'), undefined)
  }))

test('finish: identity goes, systemd is told, told twice is the same', () =>
  inTree(async (root) => {
    await writeFile(join(root, 'etc/machine-id'), 'c0ffee\n')
    await writeFile(join(root, 'etc/hostname'), 'builder\n')
    await writeFile(join(root, 'etc/ssh/ssh_host_rsa_key'), 'x')
    await writeFile(join(root, 'dev/null'), 'x')
    await finishTree(root)
    await finishTree(root)
    await checkTemplate(root)
    assert.equal(await readFile(join(root, 'etc/machine-id'), 'utf8'), '')
    assert.deepEqual(await readdir(join(root, 'dev')), [])
    assert.equal(((await lstat(join(root, 'tmp'))).mode & 0o7777).toString(8), '1777')
    assert.equal(await readlink(join(root, 'etc/systemd/system/systemd-udevd.service')), '/dev/null')
  }))

test('finish: links that a script left lead nowhere', () =>
  inTree(async (root) => {
    const canary = join(root, '../canary')
    await mkdir(canary)
    await writeFile(join(canary, 'ssh_host_key'), 'mine')
    await rm(join(root, 'etc/ssh'), { recursive: true })
    await symlink(canary, join(root, 'etc/ssh'))
    await rm(join(root, 'etc/machine-id'))
    await symlink(join(canary, 'ssh_host_key'), join(root, 'etc/machine-id'))
    await symlink(canary, join(root, 'tmp'))
    await finishTree(root)
    assert.equal(await readFile(join(canary, 'ssh_host_key'), 'utf8'), 'mine')
    assert.equal((await lstat(join(root, 'tmp'))).isDirectory(), true)
    await rm(join(root, 'etc'), { recursive: true })
    await symlink(canary, join(root, 'etc'))
    await assert.rejects(finishTree(root), unsafe(/etc is no folder/))
    assert.deepEqual(await readdir(canary), ['ssh_host_key'])
  }))

const source: TemplateSource = { from: 'debian:12', packages: ['nginx', 'curl'] }
const plan = { source, uidBase: 2147418112, work: '/w/work' }

test('distributions by version, name and suite', () => {
  for (const from of ['debian:12', 'debian:bookworm', 'bookworm']) assert.equal(getDistribution(from).suite, 'bookworm')
  assert.equal(getDistribution('debian:11').suite, 'bullseye')
  assert.equal(getDistribution('debian:13').suite, 'trixie')
  assert.equal(getDistribution('ubuntu:jammy').suite, 'jammy')
  for (const from of ['debian:4', 'alpine:3', '', '--help', 'ubuntu:bookworm']) {
    assert.throws(
      () => getDistribution(from),
      (e) => isCode(e, 'BAD_VALUE'),
      from,
    )
  }
})

test('mmdebstrap words: Debian by its default mirrors, Ubuntu by its own with its keyring', () => {
  const debian = mmdebstrapArgs({ ...plan, distribution: getDistribution('debian:12') })
  assert.deepEqual(debian.slice(-2), ['bookworm', '/w/work/root.tar'])
  assert.match(debian.join(' '), /--include=systemd,.*,curl,.*,nginx /)
  assert.equal(debian.filter((word) => /curl,.*curl/.test(word)).length, 0)
  assert.equal(
    debian.some((word) => word.includes('hook') || word.includes('keyring')),
    false,
  )
  const ubuntu = mmdebstrapArgs({ ...plan, distribution: getDistribution('ubuntu:24.04') })
  assert.ok(ubuntu.includes('--keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg'))
  assert.deepEqual(ubuntu.slice(-5), [
    'noble',
    '/w/work/root.tar',
    'deb http://archive.ubuntu.com/ubuntu noble main universe',
    'deb http://archive.ubuntu.com/ubuntu noble-updates main universe',
    'deb http://archive.ubuntu.com/ubuntu noble-security main universe',
  ])
})

test('a mirror replaces the default; a script is uploaded, never part of a word', () => {
  const words = mmdebstrapArgs({
    ...plan,
    source: { ...source, mirror: 'http://mirror.test/debian', script: 'echo "$(id)"' },
    scriptFile: '/w/script',
    distribution: getDistribution('debian:12'),
  })
  assert.equal(words.at(-1), 'deb http://mirror.test/debian bookworm-updates main')
  assert.ok(words.includes('--customize-hook=upload /w/script /.croft-build'))
  assert.equal(
    words.some((word) => word.includes('$(id)')),
    false,
  )
})

test('builds run as a nobody of the host, unpacking without mknod, network or new privileges', () => {
  const build = buildArchive({ ...plan, distribution: getDistribution('debian:12') })
  assert.equal(build.file, 'unshare')
  assert.ok(build.args.includes('--map-users=2147418112,0,65536'))
  assert.ok(build.args.includes('--kill-child=SIGKILL'))
  const unpack = unpackArchive('/w/work/root.tar', '/pool/staging/aaaaaaaa').args.join(' ')
  assert.match(
    unpack,
    /--net .*--bounding-set=-all,\+chown,\+dac_override,\+fowner,\+fsetid,\+setfcap --inh-caps=-all --no-new-privs/,
  )
  assert.doesNotMatch(unpack, /mknod|sys_admin/)
})

test('hostile packages and mirrors are refused', () => {
  for (const name of ['', '-x', 'a b', 'a,b', '?essential', '~n', './x.deb', 'A', 'a\nb', 'a;b', '$(id)']) {
    assert.throws(
      () => checkSource({ ...source, packages: [name] }),
      (e) => isCode(e, 'BAD_VALUE'),
      name,
    )
  }
  const mirrors = [
    'ftp://x/',
    'http://x/ y',
    'http://x/\ndeb',
    'http://[::1]/',
    'file:///etc',
    'http://u:p@x/',
    '-o',
    'http://x/$(id)',
  ]
  for (const mirror of mirrors) {
    assert.throws(
      () => checkSource({ ...source, mirror }),
      (e) => isCode(e, 'BAD_VALUE'),
      mirror,
    )
  }
  checkSource({ ...source, mirror: 'https://mirror.test:8080/debian/' })
})

test('a failed build says the last lines that matter, and what to try', () => {
  const error = buildFailed('debian:12', [
    'I: running apt-get update...',
    'E: Unable to locate package no-such-package',
    'umount: /x/proc: no mount point specified.',
    'W: cannot unlink ./dev/null: No such file or directory',
    'E: mmdebstrap failed to run',
  ])
  assert.equal(error.code, 'BUILD_FAILED')
  assert.equal(error.message, 'debian:12 could not be built\nE: Unable to locate package no-such-package')
  assert.match(error.hint ?? '', /no such package/)
})

test('a build whose daemon died is ended before its files go; that of another daemon is left alone', async () => {
  const workDir = await mkdtemp(join(tmpdir(), 'croft-sweep-'))
  try {
    const work = join(workDir, `croft-build-${process.pid}-aaaaaa`, 'work')
    await mkdir(work, { recursive: true })
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 30_000)'], { stdio: 'ignore' })
    await once(other, 'spawn')
    const others = `croft-build-${other.pid}-aaaaaa`
    await mkdir(join(workDir, others))
    const busy = 'i=0; while :; do mkdir -p "$0/$i/a"; i=$((i + 1)); done'
    const left = spawn('sh', ['-c', busy, `${work}/root`], { stdio: 'ignore' })
    const ended = once(left, 'exit')
    await createMmdebstrap({
      run: { outcome: () => assert.fail('nothing is run') } as unknown as Runner,
      workDir,
    }).sweep()
    assert.deepEqual(await ended, [null, 'SIGKILL'])
    assert.deepEqual(await readdir(workDir), [others])
    other.kill()
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
})

test('what could never be built is refused before anything is written down', () => {
  const builder = createMmdebstrap({ run: createRunner() })
  builder.check({ from: 'debian:12', packages: ['nginx-light'] })
  assert.throws(() => builder.check({ from: 'debian:14', packages: [] }), { code: 'BAD_VALUE' })
})
