/** What the scripts that take croft away ask before, and what they leave alone. Every tool that deletes is a note here. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'

const top = mkdtempSync(join(tmpdir(), 'croft-scripts-'))
const children: ChildProcess[] = []
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(top, { recursive: true })
})

const scripts = join(import.meta.dirname, '../../script')
const harmless = ['bash', 'sh', 'dirname', 'grep', 'tr', 'cat', 'seq', 'sleep', 'sed']
const noted =
  'rm nft ip umount find systemctl mountpoint readlink getent groupadd deb-systemd-helper deb-systemd-invoke'
let folder = ''
let state = ''

const pathOf = (name: string): string => ['/bin', '/usr/bin'].map((at) => join(at, name)).find(existsSync) ?? name

function tool(name: string, does: string): void {
  const file = join(folder, 'bin', name)
  writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>${folder}/log\n${does}\n`)
  chmodSync(file, 0o755)
}

/** Its absolute places are this test's own. */
function run(script: string, ...args: readonly string[]): { code: number | null; stderr: string; log: string } {
  const at = join(folder, 'script', 'copy')
  copyFileSync(join(scripts, script), at)
  const text = readFileSync(at, 'utf8')
    .replaceAll(/\/var\/lib\/croft|\/var\/cache\/croft/g, state)
    .replaceAll('/run/systemd/system', join(folder, 'no-systemd'))
    .replaceAll(/\/usr\/bin\/croft|\/proc\/\[0-9\]|\/run\/netns/g, (place) => join(folder, place))
    .replaceAll(/^#!.*$/gm, '')
  writeFileSync(at, text)
  writeFileSync(join(folder, 'log'), '')
  const env = { PATH: join(folder, 'bin'), CROFT_STATE: state }
  const shell = script === 'quickstart' || script === 'hosts' ? 'bash' : 'sh'
  const { status, stderr } = spawnSync(join(folder, 'bin', shell), [at, ...args], { env, encoding: 'utf8' })
  return { code: status, stderr, log: readFileSync(join(folder, 'log'), 'utf8') }
}

/** A process with these words, and its number where the daemon writes its own. */
async function daemonPid(...words: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)', ...words])
  children.push(child)
  await new Promise((resolve) => child.stdout.once('data', resolve))
  writeFileSync(join(state, 'daemon.pid'), `${child.pid}\n`)
  return child
}

const ended = (child: ChildProcess) => new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))

describe('the scripts that take croft away', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(top, 'one-'))
    state = join(folder, 'state')
    for (const made of ['bin', 'script', 'state/store', 'state/pools'])
      mkdirSync(join(folder, made), { recursive: true })
    for (const name of harmless) symlinkSync(pathOf(name), join(folder, 'bin', name))
    for (const name of noted.split(' ')) tool(name, 'exit 0')
    tool('id', 'echo 0')
  })

  test('taking the quick start away stops where a store or a pool is and no daemon tells of its guests', () => {
    for (const [file, croft] of [
      ['store/croft.db', 'exit 1'],
      ['store/croft.db', '[ "$1" = init ]'],
      ['pools/default.img', 'exit 0'],
    ] as const) {
      writeFileSync(join(state, file), '')
      tool('croft', croft)
      const said = run('quickstart', '--down')
      assert.equal(said.code, 4, said.stderr)
      assert.match(said.stderr, /no daemon tells[\s\S]*--down --all/)
      assert.doesNotMatch(said.log, /^(rm|nft|umount)|croft rm/m)
      rmSync(join(state, file))
    }
  })

  test('it stops at guests that it did not make, and goes on when it is told to, or when nothing is there', () => {
    writeFileSync(join(state, 'store/croft.db'), '')
    tool('croft', 'if [ "$1" = ls ]; then echo web; echo mine; fi')
    const said = run('quickstart', '--down')
    assert.deepEqual([said.code, /mine/.test(said.stderr), /croft rm/.test(said.log)], [4, true, false])
    assert.match(run('quickstart', '--down', '--all').log, new RegExp(`croft rm --all -y(.|\\n)*rm -rf ${state} `))
    tool('croft', 'exit 1')
    assert.match(run('quickstart', '--down', '--all').log, new RegExp(`rm -rf ${state} `))
    rmSync(join(state, 'store/croft.db'))
    assert.match(run('quickstart', '--down').log, new RegExp(`rm -rf ${state} `))
  })

  test('the last farm of several hosts takes along what setup changed; beside another farm it stays', () => {
    mkdirSync(join(folder, 'dist'))
    mkdirSync(join(folder, 'proc/77'), { recursive: true })
    tool('croft', 'exit 0')
    symlinkSync(join(folder, 'bin/croft'), join(folder, 'dist/croft'))
    tool('mountpoint', 'exit 1')
    tool('rmdir', 'exit 0')
    tool('readlink', `echo ${folder}/dist/croft`)
    const took = /^croft host-prepare --undo$[\s\S]*^rm -f \/usr\/local\/bin\/croft$/m
    const takes = () => {
      const said = run('hosts', 'down', '--all')
      assert.equal(said.code, 0, said.stderr)
      assert.match(said.log, /^nft delete table ip croft-hosts$/m)
      return took.test(said.log)
    }
    assert.equal(takes(), false, 'a store')
    rmSync(join(state, 'store'), { recursive: true })
    for (const [words, wanted] of [
      ['/opt/croft/node\0/opt/croft/cli.js\0daemon\0', false],
      ['vim\0croft.md\0', true],
      ['', true],
    ] as const) {
      writeFileSync(join(folder, 'proc/77/cmdline'), words)
      assert.equal(takes(), wanted, words)
    }
    mkdirSync(join(folder, 'usr/bin'), { recursive: true })
    writeFileSync(join(folder, 'usr/bin/croft'), '')
    assert.equal(takes(), false, 'a package')
  })

  test('a farm of several hosts whose daemon does not tell of its guests, or tells of some, goes with --all alone', () => {
    mkdirSync(join(folder, 'run/netns'), { recursive: true })
    writeFileSync(join(folder, 'run/netns/croft-ash'), '')
    tool('mountpoint', 'exit 1')
    tool('rmdir', 'exit 0')
    for (const [does, told] of [
      ['exit 7', /may be guests/],
      ['echo web', /there are guests: web/],
    ] as const) {
      tool('nsenter', does)
      const said = run('hosts', 'down')
      assert.deepEqual([said.code, /^(rm|ip netns delete)/m.test(said.log)], [4, false], said.stderr)
      assert.match(said.stderr, told)
    }
    assert.match(run('hosts', 'down', '--all').log, /^ip netns delete croft-ash$/m)
    tool('nsenter', 'exit 0')
    assert.equal(run('hosts', 'down').code, 0)
  })

  test('a pid that another program has now is left alone; the daemon’s own is ended', async () => {
    for (const script of [
      ['quickstart', '--down'],
      ['debian/prerm', 'remove'],
    ] satisfies [string, string][]) {
      const other = await daemonPid('daemon', 'croft')
      assert.equal(run(...script).code, 0)
      assert.notEqual(readFileSync(`/proc/${other.pid}/cmdline`, 'utf8'), '', `${script[0]}: it lives`)
      const daemon = await daemonPid('/usr/bin/croft', 'daemon')
      const end = ended(daemon)
      assert.equal(run(...script).code, 0)
      assert.equal(await end, 'SIGTERM', script[0])
    }
  })

  test('a cache that is being written while it is emptied fails neither an installation nor a removal', () => {
    tool('find', 'exit 1')
    tool('croft', 'exit 0')
    for (const script of [
      ['debian/prerm', 'remove'],
      ['debian/postinst', 'configure'],
    ] satisfies [string, string][]) {
      const said = run(...script)
      assert.deepEqual([said.code, /^find .*-delete/m.test(said.log)], [0, true], `${script[0]}: ${said.stderr}`)
    }
  })
})
