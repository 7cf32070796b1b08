/** Files with holes, as GNU tar writes them, are whole when they come out; what lies about its holes is refused. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Refused } from '../../src/drivers/image/reader/refused.ts'
import { read, smallLimits } from '../archives/read.ts'

const folder = mkdtempSync(join(tmpdir(), 'croft-sparse-'))
after(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, 'etc'))
writeFileSync(join(folder, 'etc/after'), 'after')

/** Words at places, nothing between: so many that the map does not fit into one header. */
function holes(name: string, count: number, sizeBytes: number): string {
  const path = join(folder, 'etc', name)
  const file = openSync(path, 'w')
  const whole = Buffer.alloc(sizeBytes)
  for (let index = 0; index < count; index++) {
    const at = Math.floor((sizeBytes / count) * index) + 10_000
    writeSync(file, `word ${index}`, at)
    whole.write(`word ${index}`, at)
  }
  closeSync(file)
  truncateSync(path, sizeBytes)
  return whole.toString()
}

const whole = {
  few: holes('few', 2, 100_000),
  many: holes('many', 40, 2_000_000),
  none: holes('none', 0, 70_000),
}
const tar = (...words: string[]): Buffer =>
  execFileSync(
    'tar',
    ['-c', '-S', '--hole-detection=raw', ...words, '--owner=0', '--group=0', '--sort=name', '-C', folder, '.'],
    {
      maxBuffer: 2 ** 26,
    },
  )
const refuses = (archive: Buffer, why: RegExp, within = smallLimits): Promise<void> =>
  assert.rejects(read(archive, within), (e) => e instanceof Refused && why.test(e.message))

const forms = { gnu: ['--format=gnu'], pax: ['--format=posix'] } as const

for (const [form, words] of Object.entries(forms))
  test(`${form}: holes are zeros, and what comes behind is in its place`, async () => {
    const archive = tar(...words)
    assert.ok(archive.length < 1_000_000, 'it has holes')
    const { tree } = await read(archive)
    for (const [name, content] of Object.entries(whole)) assert.ok(tree.get(`etc/${name}`) === content, name)
    assert.equal(tree.get('etc/after'), 'after')
    await refuses(archive, /more than \d+ bytes/, { ...smallLimits, bytes: 1_500_000 })
    for (const at of [0.3, 0.6, 0.8])
      await refuses(archive.subarray(0, Math.floor(archive.length * at)), /truncated|no tar/)
  })

test('with the words that vzdump gives to tar: its own file first, holes, lists of access, and ids as they are', async () => {
  const own = join(folder, '../', `${folder.split('/').at(-1)}-own`)
  mkdirSync(join(own, 'etc/vzdump'), { recursive: true })
  writeFileSync(join(own, 'etc/vzdump/pct.conf'), 'arch: amd64\n')
  const archive = execFileSync(
    'tar',
    [
      ...['cpf', '-', '--totals', '--one-file-system', '-p', '--sparse', '--numeric-owner', '--acls', '--xattrs'],
      ...['--xattrs-include=user.*', '--xattrs-include=security.capability', '--owner=0', '--group=0'],
      ...[`--directory=${own}`, './etc/vzdump/pct.conf', `--directory=${folder}`, './'],
    ],
    { maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  rmSync(own, { recursive: true })
  const { facts, tree } = await read(archive)
  assert.deepEqual([facts.format, tree.get('etc/vzdump/pct.conf')], ['rootfs', 'arch: amd64\n'])
  for (const [name, content] of Object.entries(whole)) assert.ok(tree.get(`etc/${name}`) === content, name)
})

test('other forms of pax are refused', async () => {
  for (const version of ['0.0', '0.1'])
    await refuses(tar('--format=posix', `--sparse-version=${version}`), /kind that is not known/)
})

/** With its sums made right again. */
function changed(archive: Buffer, change: (text: string) => string): Buffer {
  const copy = Buffer.from(change(archive.toString('latin1')), 'latin1')
  assert.equal(copy.length, archive.length)
  assert.ok(!copy.equals(archive))
  for (let at = 0; at + 512 <= copy.length; at += 512) {
    if (copy.toString('latin1', at + 257, at + 262) !== 'ustar') continue
    copy.fill(' ', at + 148, at + 156)
    const sum = copy.subarray(at, at + 512).reduce((all, byte) => all + byte, 0)
    copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1')
  }
  return copy
}

test('maps that lie: over each other, behind the end, more or less than is stored, without end', async () => {
  const pax = tar(...forms.pax)
  const cannot = /what cannot be/
  const map = '3\n9728\n512\n'
  const instead = (other: string) => (text: string) => text.replace(map, other)
  const lies: readonly ((text: string) => string)[] = [
    (text) => text.replace('realsize=100000', 'realsize=000001'),
    (text) => text.replace('realsize=100000', 'realsize=-00001'),
    instead('3\n9728\n511\n'),
    instead('3\n99728\n51\n'),
    instead('3\n-972\n512\n'),
    instead('999999\n512\n'),
    instead('9999999999\n'),
    instead('99999999999'),
  ]
  for (const lie of lies) await refuses(changed(pax, lie), /what cannot be|damaged/)
  const gnu = tar(...forms.gnu)
  const at = gnu.indexOf('etc/few')
  const field = (offset: number, value: string) =>
    changed(gnu, (text) => text.slice(0, at - 2 + offset) + value + text.slice(at - 2 + offset + value.length))
  await refuses(field(386, '77777777777'), cannot)
  await refuses(field(386 + 12, '00000000001'), cannot)
  await refuses(field(483, '00000000001'), cannot)
  await refuses(field(386, '-1234567890'), cannot)
  await refuses(field(482, '\u0001'), /what cannot be|damaged|truncated/)
})
