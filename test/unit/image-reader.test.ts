/** The reader of archives that others made: what it takes, what it makes of it, and all that it refuses. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Refused } from '../../src/drivers/image/reader/refused.ts'
import { bareRoot, type Given, ociOf, tarOf, tinySystem } from '../archives/make.ts'
import { read, smallLimits } from '../archives/read.ts'

const folder = mkdtempSync(join(tmpdir(), 'croft-reader-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const refuses = (archive: Buffer, why: RegExp, within = smallLimits): Promise<void> =>
  assert.rejects(read(archive, within), (e) => e instanceof Refused && why.test(e.message))

const plain = (...entries: Given[]): Buffer => tarOf([...bareRoot, ...entries])

test('a root as tar, and compressed by gzip, zstd, xz, lzma and bzip2: told by its first bytes', async () => {
  const tar = plain({ path: `${'./long/'.repeat(30)}name`, content: 'deep' })
  const expected = await read(tar)
  assert.equal(expected.facts.format, 'rootfs')
  assert.equal(expected.tree.get(`${'long/'.repeat(30)}name`), 'deep')
  const by = (file: string, ...words: string[]) => execFileSync(file, ['-c', '-1', ...words], { input: tar })
  const others = [by('xz'), by('xz', '--format=lzma'), by('bzip2')]
  for (const packed of [gzipSync(tar), zstdCompressSync(tar), ...others]) assert.deepEqual(await read(packed), expected)
})

test('what GNU tar writes is read: long names, long links, hard links, large numbers, times before 1970', async () => {
  const long = 'n'.repeat(150)
  execFileSync('mkdir', ['-p', join(folder, 'tree/etc', long)])
  writeFileSync(join(folder, 'tree/etc', long, 'a'), 'content')
  execFileSync('ln', [join(folder, 'tree/etc', long, 'a'), join(folder, 'tree/etc/b')])
  execFileSync('ln', ['-s', `/${long}`, join(folder, 'tree/etc/link')])
  writeFileSync(join(folder, 'tree/etc/old'), 'old')
  execFileSync('touch', ['-d', '1960-01-01', join(folder, 'tree/etc/old')])
  for (const format of ['gnu', 'pax']) {
    const tar = execFileSync('tar', [
      '-c',
      `--format=${format}`,
      '--owner=0',
      '--group=0',
      '-C',
      join(folder, 'tree'),
      '.',
    ])
    const { tree } = await read(tar)
    assert.equal(tree.get('etc/link'), `symlink /${long}`)
    assert.equal(tree.get('etc/old'), 'old')
    const names = [`etc/${long}/a`, 'etc/b']
    const link = names.find((name) => tree.get(name)?.startsWith('link '))
    const other = names.find((name) => name !== link)
    assert.ok(link !== undefined && other !== undefined)
    assert.deepEqual([tree.get(link), tree.get(other)], [`link ${other}`, 'content'])
  }
})

test('names that lead outside, in entries and in hard links', async () => {
  for (const path of ['../out', 'a/../../out', '/etc/passwd', 'etc/..', '//x'])
    await refuses(plain({ path }), /outside|absolute/)
  for (const target of ['../out', '/etc/shadow', 'etc/../../x'])
    await refuses(plain({ path: 'hard', kind: 'link', target }), /outside|absolute/)
  for (const target of ['nowhere', 'etc', 'hard'])
    await refuses(plain({ path: 'hard', kind: 'link', target }), /hard link/)
  await refuses(plain({ path: 'n'.repeat(300) }), /too long/)
})

test('a file through a link, a folder in place of a link, names twice', async () => {
  const link: Given = { path: 'way', kind: 'symlink', target: '/etc' }
  await refuses(plain(link, { path: 'way/passwd', content: 'x' }), /goes through/)
  await refuses(plain(link, { path: 'way', kind: 'dir' }, { path: 'way/passwd' }), /is there twice/)
  await refuses(plain({ path: 'etc/passwd', content: 'other' }), /is there twice/)
  await refuses(plain({ path: 'etc/passwd/below' }), /goes through/)
  await refuses(plain({ path: './etc//passwd' }), /is there twice/)
})

test('device nodes; those below dev are left out, for a guest gets its own', async () => {
  await refuses(plain({ path: 'etc/disk', kind: 'device' }), /device node/)
  await refuses(plain({ path: 'dev', kind: 'device' }), /device node/)
  const { tree } = await read(plain({ path: 'dev/sda', kind: 'device' }))
  assert.equal(tree.has('dev/sda'), false)
})

test('bombs: bytes, files, depth, owners, compression of compression', async () => {
  const zeros = Buffer.alloc(20 * 1024 ** 2)
  await refuses(gzipSync(plain({ path: 'zeros', content: zeros })), /more than \d+ bytes/)
  await refuses(plain({ path: 'zeros', content: zeros }), /more than \d+ bytes/)
  const many = Array.from({ length: 20 }, (_, index) => ({ path: `f${index}` }))
  await refuses(plain(...many), /more than 10 files/, { ...smallLimits, files: 10 })
  await refuses(plain({ path: `${'d/'.repeat(150)}x` }), /folders deep/)
  await refuses(plain({ path: 'far', uid: 100_000 }), /ids 0 to 65535/)
  await refuses(gzipSync(gzipSync(tarOf(bareRoot))), /compressed twice/)
  const layer = gzipSync(tarOf([{ path: 'zeros', content: zeros }]))
  await refuses(ociOf({ Cmd: ['/app/busybox'] }, [tarOf(bareRoot), layer]), /more than \d+ bytes/)
})

test('truncated, damaged, or no archive at all', async () => {
  const tar = plain({ path: 'big', content: 'x'.repeat(5000) })
  for (const at of [100, 512, 700, tar.length - 1024, tar.length - 3000])
    await refuses(tar.subarray(0, at), /truncated|no tar archive/)
  for (const packed of [
    gzipSync(tar),
    zstdCompressSync(tar),
    execFileSync('xz', ['-c', '-1'], { input: tar }),
    execFileSync('bzip2', ['-c'], { input: tar }),
  ]) {
    await refuses(packed.subarray(0, Math.floor(packed.length / 2)), /truncated/)
    // A zstd without a checksum does not notice: that is what --sha256 is for.
    if (packed[0] === 0x28) continue
    const spoiled = Buffer.from(packed)
    spoiled.fill(0xff, Math.floor(packed.length / 2), Math.floor(packed.length / 2) + 40)
    await refuses(spoiled, /truncated|no tar archive|damaged/)
  }
  const damaged = Buffer.from(tar)
  damaged[3] = 0x41
  await refuses(damaged, /damaged/)
  await refuses(Buffer.alloc(0), /truncated/)
  await refuses(Buffer.from('#!/bin/sh\n'.repeat(100)), /no tar archive/)
})

test('sizes that lie: larger than the file, negative, on links', async () => {
  await refuses(tarOf([{ path: 'liar', size: 1e9 }]), /truncated|more than/)
  await refuses(tarOf([{ path: 'liar', kind: 'symlink', target: 'x', size: 10, content: 'x'.repeat(10) }]), /content/)
})

test('an OCI image: layers from the top, what they take away is gone, hard links stay whole', async () => {
  const lower = tarOf([
    ...bareRoot,
    { path: 'app/old', content: 'old' },
    { path: 'app/same', content: 'lower' },
    { path: 'full', kind: 'dir' },
    { path: 'full/x', content: 'x' },
    { path: 'lib', kind: 'dir' },
    { path: 'lib/a', content: 'a' },
  ])
  const upper = tarOf([
    { path: 'app/.wh.old' },
    { path: 'app/same', content: 'upper' },
    { path: 'app/hard', kind: 'link', target: 'app/same' },
    { path: 'full/.wh..wh..opq' },
    { path: 'full/y', content: 'y' },
    { path: 'lib', kind: 'symlink', target: 'full' },
  ])
  const { facts, tree } = await read(ociOf({ Cmd: ['/app/busybox'] }, [lower, gzipSync(upper)]))
  assert.equal(facts.format, 'oci')
  assert.deepEqual(
    ['app/old', 'app/same', 'app/hard', 'full/x', 'full/y', 'lib', 'lib/a', 'app/.wh.old'].map((path) =>
      tree.get(path),
    ),
    [undefined, 'upper', 'link app/same', undefined, 'y', 'symlink full', undefined, undefined],
  )
})

test('an OCI image says what runs: words, user by name, folder, signal; an init is a system', async () => {
  const config = { Entrypoint: ['/app/busybox'], Cmd: ['sh'], User: 'lark', StopSignal: 'QUIT', Env: ['A=b', 'none'] }
  const { facts } = await read(ociOf(config, [tarOf(bareRoot)]))
  assert.deepEqual(facts.init, {
    ...{ kind: 'command', words: ['/app/busybox', 'sh'], env: ['A=b'], user: 1234, group: 1235 },
    ...{ folder: '/', stopSignal: 3 },
  })
  assert.deepEqual((await read(ociOf({ Cmd: ['/sbin/init'] }, [tarOf(tinySystem)]))).facts.init, { kind: 'system' })
  assert.deepEqual((await read(ociOf({}, [tarOf(tinySystem)]))).facts.init, { kind: 'system' })
  await refuses(ociOf({}, [tarOf(bareRoot)]), /no command/)
  await refuses(ociOf({ Cmd: ['x'], User: 'nobody-knows' }, [tarOf(bareRoot)]), /passwd does not know/)
})

test('an OCI image that lies about its parts', async () => {
  const spoil = (change: (files: Map<string, Buffer>, first: string) => void) =>
    ociOf({ Cmd: ['x'] }, [tarOf(bareRoot)], (files) => change(files, [...files.keys()][1] ?? ''))
  await refuses(
    spoil((files, first) => files.set(first, Buffer.from('other'))),
    /damaged/,
  )
  await refuses(
    spoil((files, first) => files.delete(first)),
    /does not hold/,
  )
  await refuses(
    spoil((files) => files.set('index.json', Buffer.from('{'))),
    /no JSON/,
  )
  const index = (digest: unknown) => Buffer.from(JSON.stringify({ manifests: [{ digest }] }))
  for (const digest of ['sha256:../../../etc/passwd', 'sha256:abc', '../x', 7, `md5:${'0'.repeat(64)}`])
    await refuses(
      spoil((files) => files.set('index.json', index(digest))),
      /digest/,
    )
})

test('Incus and LXC archives: what lies in rootfs counts, the half that only describes is named', async () => {
  const inner = tinySystem.map((entry) => ({ ...entry, path: `rootfs/${entry.path}` }))
  const { facts, tree } = await read(tarOf([{ path: 'metadata.yaml', content: 'a: b\n' }, ...inner]))
  assert.deepEqual([facts.format, tree.has('sbin/init'), tree.has('metadata.yaml')], ['incus', true, false])
  await refuses(tarOf([{ path: 'metadata.yaml', content: 'a: b\n' }]), /only describes/)
  await refuses(tarOf([{ path: 'metadata.yaml' }, ...inner, { path: 'rootfs/../../out' }]), /outside/)
})
