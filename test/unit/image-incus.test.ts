/** Squashfs, and what Incus and LXD write: images in one archive and in two, exports of instances. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Refused } from '../../src/drivers/image/reader/refused.ts'
import { bareRoot, type Given, squashfsOf, tarOf, tinySystem } from '../archives/make.ts'
import { read, smallLimits } from '../archives/read.ts'

const refuses = (archive: Buffer, why: RegExp, within = smallLimits): Promise<void> =>
  assert.rejects(read(archive, within), (e) => e instanceof Refused && why.test(e.message))
const below = (folder: string, ...more: Given[]): Given[] =>
  [...tinySystem, ...more].map((entry) => ({ ...entry, path: `${folder}/${entry.path}` }))
const squashed = (...more: Given[]): Buffer => squashfsOf(tarOf([...bareRoot, ...more]))

const ours = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
const describing = (text: string): Buffer => tarOf([{ path: 'metadata.yaml', content: text }])
const metadata = describing(`architecture: "${ours}"\ncreation_date: 1\n`)
const rootfs = squashed({ path: 'srv', kind: 'dir' })
const halves = (description = metadata, files = rootfs): Given[] => [
  { path: './metadata', content: description },
  { path: './rootfs', content: files },
]

test('a squashfs is the tree that it was made of, hard links, links, long names and all; also when it is compressed', async () => {
  const tar = tarOf([
    ...bareRoot,
    { path: 'etc/hard', kind: 'link', target: 'etc/passwd' },
    { path: 'etc/link', kind: 'symlink', target: '/app' },
    { path: `${'long/'.repeat(30)}name`, content: 'deep', mode: 0o4755, uid: 1234 },
  ])
  const { facts, tree } = await read(squashfsOf(tar))
  assert.equal(facts.format, 'rootfs')
  assert.equal(tree.get(`${'long/'.repeat(30)}name`), 'deep')
  assert.equal(tree.get('etc/link'), 'symlink /app')
  assert.match(`${tree.get('etc/hard')} ${tree.get('etc/passwd')}`, /link etc\/(passwd|hard)/)
  assert.deepEqual((await read(gzipSync(squashfsOf(tar)))).tree, tree)
})

test('a squashfs is bounded and judged as a tar is: nodes, owners, bytes, files', async () => {
  await refuses(squashed({ path: 'etc/disk', kind: 'device' }), /device node/)
  await refuses(squashed({ path: 'far', uid: 100_000 }), /ids 0 to 65535/)
  await refuses(squashed({ path: 'zeros', content: Buffer.alloc(20 * 1024 ** 2) }), /more than \d+ bytes/)
  const many = Array.from({ length: 20 }, (_, index) => ({ path: `f${index}` }))
  await refuses(squashed(...many), /more than 10 files/, { ...smallLimits, files: 10 })
  assert.equal((await read(squashed({ path: 'dev/sda', kind: 'device' }))).tree.has('dev/sda'), false)
})

test('a squashfs that is cut off or spoiled is refused, or read as it says: nothing else', async () => {
  for (const at of [4, 60, 96, 5000, rootfs.length - 5000])
    await refuses(rootfs.subarray(0, at), /damaged or truncated/)
  for (let at = 8; at < 96; at += 6) {
    const spoiled = Buffer.from(rootfs)
    spoiled.fill(0xff, at, at + 4)
    await read(spoiled).catch((thrown) => assert.ok(thrown instanceof Refused, String(thrown)))
  }
})

test('an image in two halves: squashfs or tar beside what describes it, which must name this machine', async () => {
  const { facts, tree } = await read(tarOf(halves(gzipSync(metadata))))
  assert.deepEqual([facts.format, tree.has('app/busybox'), tree.has('metadata.yaml')], ['incus', true, false])
  const xz = execFileSync('xz', ['-c', '-1'], { input: metadata })
  const served = [
    { path: 'rootfs.tar.gz', content: gzipSync(tarOf(tinySystem)) },
    { path: 'lxd.tar.xz', content: xz },
  ]
  assert.equal((await read(tarOf(served))).tree.has('sbin/init'), true)
  await refuses(tarOf(halves(describing('architecture: s390x\n'))), /is for "s390x"/)
  await refuses(tarOf(halves(describing('{"architecture": "ppc64le"}'))), /is for "ppc64le"/)
  await refuses(tarOf(halves(tarOf([{ path: 'other' }]))), /no metadata.yaml/)
  await refuses(tarOf(halves(Buffer.from('no tar'.repeat(200)))), /no tar archive/)
  await refuses(tarOf(halves(metadata, Buffer.from('QFI\u00fb', 'latin1'))), /disk image/)
  await refuses(tarOf([...halves(), { path: 'rootfs.squashfs', content: rootfs }]), /must hold one image/)
  await refuses(gzipSync(tarOf(halves())), /lies in an archive that is compressed/)
})

test('an image in one archive for another machine is refused; the half alone is told what to do with', async () => {
  const one = (text: string) => tarOf([{ path: 'metadata.yaml', content: text }, ...below('rootfs')])
  assert.equal((await read(one(`architecture: ${ours}`))).facts.format, 'incus')
  await refuses(one('architecture: riscv64'), /is for "riscv64"/)
  await refuses(metadata, /half of an image.*first/)
})

test('an exported instance: its files count, not its snapshots; a disk in place of files is refused', async () => {
  const exported = [
    { path: 'backup/index.yaml', content: 'name: web\n' },
    ...below('backup/container/rootfs', { path: 'srv/note', content: 'kept' }),
    ...below('backup/snapshots/one/rootfs', { path: 'srv/old', content: 'old' }),
  ]
  const { facts, tree } = await read(tarOf(exported))
  assert.deepEqual([facts.format, tree.get('srv/note'), tree.has('srv/old')], ['incus', 'kept', false])
  for (const name of ['container.bin', 'virtual-machine.img'])
    await refuses(tarOf([{ path: 'backup/index.yaml' }, { path: `backup/${name}` }]), /optimized-storage/)
})
