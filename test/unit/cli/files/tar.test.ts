/** Archives: what we write other tars read, what others write we read, and what a guest makes up stays out. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
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
import { join } from 'node:path'
import { after, test } from 'node:test'
import { archiveOf } from '../../../../src/cli/files/send.ts'
import { TarReader } from '../../../../src/cli/files/tar-read.ts'
import { type NewEntry, padding, tarEnd, tarHeader } from '../../../../src/cli/files/tar-write.ts'
import { staysInside, Unpacker } from '../../../../src/cli/files/unpack.ts'

const here = mkdtempSync(join(tmpdir(), 'croft-tar-'))
after(() => rmSync(here, { recursive: true, force: true }))
let places = 0
const place = (): string => {
  places += 1
  mkdirSync(join(here, `p${places}`))
  return join(here, `p${places}`)
}

type Part = Partial<NewEntry> & { readonly name: string; readonly body?: string; readonly type?: string }

/** An archive of entries, with any letter as their type. */
function archive(...parts: readonly Part[]): Buffer {
  const blocks = parts.flatMap(({ body = '', type, ...entry }) => {
    const header = tarHeader({
      ...{ kind: 'file', mode: 0o644, uid: 0, gid: 0, mtimeMs: 0, size: body.length },
      ...entry,
    })
    if (type !== undefined) retype(header, type)
    return [header, Buffer.from(body, 'latin1'), padding(body.length)]
  })
  return Buffer.concat([...blocks, tarEnd()])
}

function retype(header: Buffer, type: string): void {
  const at = header.length - 512
  header.write(type, at + 156, 'latin1')
  header.fill(' ', at + 148, at + 156)
  const sum = header.subarray(at).reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1')
}

function unpack(bytes: Buffer, to: string, options: { chunk?: number; maxBytes?: number } = {}): Unpacker {
  const { chunk = 4096, maxBytes } = options
  const unpacker = new Unpacker({ name: 'top', to: join(to, 'top'), maxBytes })
  const reader = new TarReader(unpacker)
  try {
    for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk))
    reader.end()
    unpacker.finish()
  } finally {
    unpacker.close()
  }
  return unpacker
}

const top: Part = { name: 'top', kind: 'folder', mode: 0o755 }
const long = `${'l'.repeat(99)}/${'m'.repeat(90)}`

test('what is sent is read by GNU tar and by us, in pieces of any size', async () => {
  const from = place()
  mkdirSync(join(from, 'top', 'l'.repeat(99)), { recursive: true })
  writeFileSync(join(from, 'top', long), 'deep')
  writeFileSync(join(from, 'top', 'ün\n'), Buffer.alloc(5000, 1))
  writeFileSync(join(from, 'top', 'run'), '')
  chmodSync(join(from, 'top', 'run'), 0o4751)
  symlinkSync(`./${'x'.repeat(150)}`, join(from, 'top', 'link'))
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of archiveOf([{ from: join(from, 'top'), name: 'top' }], {
    owner: { uid: 33, gid: 34 },
    onBytes: (count) => {
      bytes += count
    },
    onLeftOut: (path) => assert.fail(path),
  }))
    parts.push(part)
  const whole = Buffer.concat(parts)
  assert.equal(bytes, 5004)
  const listed = execFileSync('tar', ['--numeric-owner', '-tvf', '-'], { input: whole, encoding: 'utf8' })
  assert.match(listed, /-rwsr-x--x 33\/34 /)
  assert.match(listed, /link -> \.\/x{150}\n/)
  for (const chunk of [1, 511, 513, whole.length]) {
    const to = place()
    unpack(whole, to, { chunk })
    assert.deepEqual(readdirSync(join(to, 'top')).sort(), readdirSync(join(from, 'top')).sort())
    assert.equal(readFileSync(join(to, 'top', long), 'latin1'), 'deep')
    assert.equal(statSync(join(to, 'top', 'run')).mode & 0o7777, 0o751, 'no setuid on the host')
  }
})

test('a file from before 1970, or from beyond all dates, takes nothing else down', () => {
  const from = place()
  mkdirSync(join(from, 'top'))
  for (const name of ['old', 'older', 'now']) writeFileSync(join(from, 'top', name), name)
  execFileSync('touch', ['-d', '1969-12-31 23:59:00 UTC', join(from, 'top/old')])
  execFileSync('touch', ['-d', '1901-01-01', join(from, 'top/older')])
  for (const format of ['gnu', 'posix']) {
    const to = place()
    unpack(execFileSync('tar', ['-C', from, `--format=${format}`, '-cf', '-', 'top']), to)
    assert.deepEqual(readdirSync(join(to, 'top')).sort(), ['now', 'old', 'older'])
    assert.equal(statSync(join(to, 'top/older')).mtimeMs, 0)
  }
  const beyond = archive(top, { name: 'top/far', body: 'x' })
  const header = beyond.subarray(512, 1024)
  header.write('8000000000000000ffffffff', 136, 'hex')
  for (const binary of ['80000000007fffffffffffff', '800000007fffffffffffffff']) {
    header.write(binary, 136, 'hex')
    retype(header, '0')
    const to = place()
    unpack(beyond, to)
    assert.ok(statSync(join(to, 'top/far')).mtimeMs > Date.now())
  }
})

test('what GNU tar writes is read, in each of its formats', () => {
  const from = place()
  mkdirSync(join(from, 'top', 'l'.repeat(99)), { recursive: true })
  writeFileSync(join(from, 'top', long), 'deep')
  writeFileSync(join(from, 'top', 'one'), 'same')
  execFileSync('ln', [join(from, 'top', 'one'), join(from, 'top', 'two')])
  for (const format of ['gnu', 'pax', 'ustar']) {
    const to = place()
    const words = ['-c', `--format=${format}`, '-f', '-', '-C', from, './top']
    unpack(execFileSync('tar', words, { maxBuffer: 1 << 24 }), to)
    assert.equal(readFileSync(join(to, 'top', long), 'utf8'), 'deep', format)
    assert.equal(statSync(join(to, 'top', 'one')).ino, statSync(join(to, 'top', 'two')).ino)
  }
})

test('names that lead out end it all, whatever kind they are of', () => {
  const kinds: Partial<Part>[] = [
    { body: 'x' },
    { kind: 'folder' },
    { kind: 'link', target: 'a' },
    { type: '1', target: 'top/a' },
  ]
  const names = [
    '../out',
    'top/../../out',
    '/out',
    'top/./out',
    'top//out',
    'out',
    '..',
    '.',
    'top/..',
    `top/${'../'.repeat(60)}out`,
  ]
  for (const kind of kinds)
    for (const name of names) {
      const to = place()
      assert.throws(() => unpack(archive(top, { ...kind, name }), to), { code: 'REFUSED' }, name)
      assert.deepEqual(readdirSync(to), ['top'])
    }
  assert.ok(!existsSync(join(here, 'out')))
})

test('links that lead out are left out; nothing is ever written through one', () => {
  const to = place()
  const outside = place()
  const unpacker = unpack(
    archive(
      top,
      { name: 'top/abs', kind: 'link', target: outside },
      { name: 'top/up', kind: 'link', target: '..' },
      { name: 'top/sly', kind: 'link', target: 'in/../../..' },
      { name: 'top/good', kind: 'link', target: './in/file' },
      { name: 'top/trap', kind: 'link', target: 'in' },
      { name: 'top/trap/file', body: 'through' },
      { name: 'top/hard', type: '1', target: 'top/good' },
      { name: 'top/passwd', type: '1', target: 'top/missing' },
    ),
    to,
  )
  assert.deepEqual(unpacker.leftOut.map(({ path }) => path).sort(), ['abs', 'hard', 'passwd', 'sly', 'trap/file', 'up'])
  assert.deepEqual(readdirSync(join(to, 'top')).sort(), ['good', 'trap'])
  assert.deepEqual(readdirSync(outside), [])
})

test('links that were there before are not followed either, and files are replaced, not written into', () => {
  const to = place()
  const outside = place()
  writeFileSync(join(outside, 'canary'), 'whole')
  mkdirSync(join(to, 'top'))
  symlinkSync(outside, join(to, 'top', 'folder'))
  symlinkSync(join(outside, 'canary'), join(to, 'top', 'file'))
  const unpacker = unpack(
    archive(
      top,
      { name: 'top/folder/new', body: 'x' },
      { name: 'top/folder', kind: 'folder' },
      { name: 'top/file', body: 'new' },
    ),
    to,
  )
  assert.equal(unpacker.leftOut.length, 2)
  assert.deepEqual(readdirSync(outside), ['canary'])
  assert.equal(readFileSync(join(outside, 'canary'), 'utf8'), 'whole')
  assert.ok(lstatSync(join(to, 'top', 'file')).isFile())
})

test('devices, pipes and letters that nobody knows are left out; what follows is read on', () => {
  const to = place()
  const odd = ['3', '4', '6', 'S', 'V', 'Z'].map((type) => ({ name: `top/${type}`, type }))
  const unpacker = unpack(archive(top, ...odd, { name: 'top/last', body: 'here' }), to)
  assert.equal(unpacker.leftOut.length, odd.length)
  assert.deepEqual(readdirSync(join(to, 'top')), ['last'])
})

test('too much, cut off, damaged and endless is refused', () => {
  const big = archive(top, { name: 'top/a', body: 'x'.repeat(5000) })
  assert.throws(() => unpack(big, place(), { maxBytes: 4000 }), { code: 'LIMIT_REACHED' })
  const many = archive(top, ...Array.from({ length: 50 }, (_, index) => ({ name: `top/${index}` })))
  assert.throws(() => unpack(many, place(), { maxBytes: 4000 }), { code: 'LIMIT_REACHED' })
  const filled = (zeros: number) => Buffer.concat([archive(top), Buffer.alloc(zeros)])
  unpack(filled(64 * 1024), place())
  assert.throws(() => unpack(filled(5 * 1024 ** 2), place(), { chunk: 65536 }), { code: 'FAILED' })
  for (const cut of [0, 100, 512, 1500, 5000])
    assert.throws(() => unpack(big.subarray(0, cut), place()), { code: 'FAILED' })
  for (const at of [3, 100, 124, 148, 156]) {
    const damaged = Buffer.from(big)
    damaged[512 + at] = (damaged[512 + at] ?? 0) ^ 0x55
    assert.throws(() => unpack(damaged, place()), { code: 'FAILED' })
  }
  const endless = archive(top, { name: 'x'.repeat(70_000), body: '' })
  assert.throws(() => unpack(endless, place()), { code: 'FAILED' })
  for (const text of ['9 path=\n', '12 path=top', '999999 path=a\n', 'x path=top\n', '0 =\n'])
    assert.throws(
      () => unpack(archive({ name: 'p', type: 'x', body: text }, top), place()),
      { code: /FAILED|REFUSED/ },
      text,
    )
  assert.throws(() =>
    unpack(archive({ name: 'p', type: 'x', body: '20 size=99999999999\n' }, { name: 'top' }), place()),
  )
})

test('where a link may point', () => {
  for (const [path, target] of [
    ['a', 'b'],
    ['a/b', '../c'],
    ['a/b/c', '../../d/e'],
    ['a', './b'],
    ['a/b', '..'],
    ['a', '.'],
  ])
    assert.ok(staysInside(path ?? '', target ?? ''), `${path} → ${target}`)
  for (const [path, target] of [
    ['a', '..'],
    ['a', '/etc'],
    ['a', ''],
    ['a/b', '../..'],
    ['a', 'b/..'],
    ['a', 'b/../../c'],
    ['', 'x'],
  ])
    assert.ok(!staysInside(path ?? '', target ?? ''), `${path} → ${target}`)
})

test('random bytes and mutations of archives never lead to anything but an error of ours, nor out of the folder', () => {
  const good = archive(top, { name: 'top/a', body: 'x'.repeat(700) }, { name: 'top/l', kind: 'link', target: 'a' })
  let seed = 7
  const next = (below: number): number => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return seed % below
  }
  const before = readdirSync(here).length
  const to = place()
  for (let round = 0; round < 400; round++) {
    const bytes = Buffer.from(good)
    for (let flips = 0; flips <= next(6); flips++) bytes[next(bytes.length)] = next(256)
    if (next(2) === 0) for (let at = 0; at + 512 <= bytes.length; at += 512) if (bytes[at] !== 0) resum(bytes, at)
    try {
      unpack(bytes, to)
    } catch (thrown) {
      const { code = '' } = thrown as { code?: string }
      assert.match(code, /^(FAILED|REFUSED|LIMIT_REACHED|E[A-Z]+|ERR_INVALID_ARG_VALUE)$/, String(thrown))
    }
    assert.equal(readdirSync(here).length, before + 1)
    rmSync(join(to, 'top'), { recursive: true, force: true })
  }
})

function resum(bytes: Buffer, at: number): void {
  bytes.fill(' ', at + 148, at + 156)
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1')
}
