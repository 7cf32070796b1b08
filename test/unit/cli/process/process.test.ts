import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parseAccount } from '../../../../src/cli/process/account.ts'
import { insideProgram } from '../../../../src/cli/process/attach.ts'
import { childrenOf, parentOf } from '../../../../src/cli/process/children.ts'
import { createDraft } from '../../../../src/cli/process/draft.ts'
import { findExternal } from '../../../../src/cli/process/external.ts'
import { runAttached, runPiped } from '../../../../src/cli/process/spawn.ts'

test('entering: what is set goes before the daemon’s --, the words behind it', () => {
  const how = { file: 'lxc-attach', args: ['-n', '1', '--clear-env', '--'] }
  const program = insideProgram(how, { command: ['echo', '--', '-v'], env: { A: 'x y' } })
  assert.deepEqual(program.args, ['-n', '1', '--clear-env', '-v', 'A=x y', '--', 'echo', '--', '-v'])
  assert.deepEqual(insideProgram(how, { command: [], env: {} }).args, ['-n', '1', '--clear-env'])
})

/** Stands in for lxc-attach: a process whose child is the command. */
const standIn = (child: string) => ({
  file: process.execPath,
  args: [
    '-e',
    `const c = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' })
     c.once('exit', (code) => process.exit(code))
     process.on('SIGTERM', () => {})`,
  ],
  env: {},
})

test('a signal goes to the command inside, and its exit code comes back', async () => {
  const said: string[] = []
  const code = await runPiped(
    standIn(
      `process.on('SIGTERM', () => { console.log('got'); process.exit(9) }); setInterval(() => {}, 1000); console.log('up')`,
    ),
    {
      onLine(line) {
        said.push(line)
        if (line === 'up') process.emit('SIGTERM', 'SIGTERM')
      },
    },
  )
  assert.deepEqual([code, said], [9, ['up', 'got']])
})

test('exit codes: its own, 128 and the signal, a missing tool', async () => {
  assert.equal(await runAttached({ file: process.execPath, args: ['-e', 'process.exit(3)'], env: {} }), 3)
  const killed = { file: process.execPath, args: ['-e', 'process.kill(process.pid, "SIGKILL")'], env: {} }
  assert.equal(await runAttached(killed), 137)
  await assert.rejects(runAttached({ file: '/nonexistent/tool', args: [], env: {} }), /not installed/)
})

test('children are found from the list and from all processes', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  try {
    assert.ok(childrenOf(process.pid).includes(child.pid ?? 0))
  } finally {
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
  }
  assert.equal(parentOf('12 (a) b (c)) S 7 12 12 0'), 7)
  assert.equal(parentOf(''), undefined)
})

test('a draft is ours alone and goes; one whose command was killed goes with the next; one that is kept stays', () => {
  const folder = mkdtempSync(join(tmpdir(), 'croft-drafts-'))
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  try {
    const gone = spawnSync('true').pid
    const left = [`croft-edit-${gone}-abc`, `croft-edit-${process.pid}-abc`, 'croft-edit-x-abc', 'croft-kept-abc']
    for (const name of left) mkdirSync(join(folder, name))
    symlinkSync(join(folder, 'croft-kept-abc'), join(folder, `croft-edit-${gone}-link`))
    let kept = ''
    {
      using draft = createDraft('a/b c', 'text')
      assert.equal(readFileSync(draft.path, 'utf8'), 'text')
      assert.match(draft.path, /\/a_b_c$/)
      assert.deepEqual([statSync(draft.path).mode & 0o777, statSync(dirname(draft.path)).mode & 0o777], [0o600, 0o700])
      using other = createDraft('kept', 'mine')
      kept = other.keep()
    }
    assert.equal(readFileSync(kept, 'utf8'), 'mine')
    rmSync(dirname(kept), { recursive: true })
    assert.deepEqual(readdirSync(folder).sort(), [...left.slice(1), `croft-edit-${gone}-link`].sort())
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    rmSync(folder, { recursive: true })
  }
})

test('programs on PATH: absolute folders, plain words, executable files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'croft-path-'))
  try {
    const file = join(folder, 'croft-hello')
    writeFileSync(file, '')
    assert.equal(findExternal('hello', folder), undefined)
    chmodSync(file, 0o755)
    assert.equal(findExternal('hello', `/nonexistent::relative:${folder}`), file)
    assert.equal(findExternal('hello', '.:'), undefined)
    assert.equal(findExternal('../hello', folder), undefined)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a user of a guest by name or number; lines that lie are passed by', () => {
  const passwd = 'bad:x:0x1:0::/:\nbig:x:70000:1::/:\nwww:x:33:34:w:/var/www:/bin/sh\nodd:x:5:6::relative:\n'
  assert.deepEqual(parseAccount(passwd, 'www'), { name: 'www', uid: 33, gid: 34, home: '/var/www', shell: '/bin/sh' })
  assert.deepEqual(parseAccount(passwd, '33')?.name, 'www')
  assert.deepEqual(parseAccount(passwd, '7'), { name: '7', uid: 7, gid: 7, home: '/', shell: '/bin/sh' })
  assert.equal(parseAccount(passwd, 'odd')?.home, '/')
  for (const none of ['bad', 'big', '70000', '-1', '', 'www:x', '1e3'])
    assert.equal(parseAccount(passwd, none), undefined, none)
})
