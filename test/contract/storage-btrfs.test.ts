import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { lstat, mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { isCode } from '../../src/api/errors.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createBtrfs } from '../../src/drivers/storage/btrfs/index.ts'
import type { PoolSpec, Ref, Storage } from '../../src/drivers/storage/driver.ts'
import { storageContract } from './storage.ts'
import { makeStream, type StreamCommand, subvolume } from './storage-stream.ts'

const run = createRunner()
const tool = promisify(execFile)
const mib = 1024 ** 2
const quiet = () => undefined

async function makePool(change: Partial<PoolSpec> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'croft-storage-'))
  const pool: PoolSpec = {
    name: 'main',
    kind: 'file',
    source: join(folder, 'pool.img'),
    mountPoint: join(folder, 'pool'),
    sizeBytes: 1024 * mib,
    ...change,
  }
  const storage = createBtrfs({ run, pool })
  const close = async () => {
    await storage.destroy().catch(() => tool('umount', ['--lazy', pool.mountPoint]).catch(quiet))
    await rm(folder, { recursive: true, force: true })
  }
  return { folder, pool, storage, close }
}

const fileOf = (storage: Storage, ref: Ref, name: string) => join(storage.path(ref), name)

storageContract('btrfs', async () => {
  const { storage, close } = await makePool()
  return {
    storage,
    write: (ref, name, text) => writeFile(fileOf(storage, ref, name), text),
    read: (ref, name) => readFile(fileOf(storage, ref, name), 'utf8').catch(quiet),
    close,
  }
})

const root: Ref = { kind: 'root', number: 7, id: 'rootdisk-1' }
const second: Ref = { kind: 'root', number: 8, id: 'rootdisk-2' }

/** Writes until the kernel refuses; the code of the refusal. */
async function fillFile(path: string, bytes: number): Promise<string> {
  const file = await open(path, 'w')
  try {
    for (let at = 0; at < bytes; at += 4 * mib) await file.write(Buffer.alloc(4 * mib, at % 251))
    await file.datasync()
    return 'written'
  } catch (thrown) {
    // Node has no name for EDQUOT.
    const { errno, code } = thrown as NodeJS.ErrnoException
    return errno === -122 ? 'EDQUOT' : String(code)
  } finally {
    await file.close().catch(quiet)
  }
}

describe('btrfs on a loop file', () => {
  let made: Awaited<ReturnType<typeof makePool>>
  let storage: Storage
  before(async () => {
    made = await makePool()
    storage = made.storage
    await storage.open()
    // Deleted subvolumes are freed at commits: the usual 30 s are too long to wait here.
    await tool('mount', ['-o', 'remount,commit=1', made.pool.mountPoint])
  })
  after(() => made?.close())

  const qgroups = async (): Promise<string[]> => {
    const { stdout } = await tool('btrfs', ['qgroup', 'show', '--raw', made.pool.mountPoint])
    return [...stdout.matchAll(/^0\/(\d+)/gm)].map((match) => match[1] ?? '')
  }
  const subvolumes = async (): Promise<string[]> => {
    const { stdout } = await tool('btrfs', ['subvolume', 'list', made.pool.mountPoint])
    return [...stdout.matchAll(/^ID (\d+)/gm)].map((match) => match[1] ?? '')
  }
  const makeNested = (path: string) => tool('btrfs', ['subvolume', 'create', path])

  test('folders are 0700, the file and the manifests 0600', async () => {
    await storage.create(root)
    await storage.writeManifest({ guest: 7 }, { name: 'web' })
    const mode = async (path: string) => ((await lstat(path)).mode & 0o777).toString(8)
    const { mountPoint, source } = made.pool
    for (const folder of ['templates', 'guests', 'staging', 'guests/7', 'guests/7/roots']) {
      assert.equal(await mode(join(mountPoint, folder)), '700', folder)
    }
    for (const file of [source, join(mountPoint, 'croft-pool.json'), join(mountPoint, 'guests/7/guest.json')]) {
      assert.equal(await mode(file), '600', file)
    }
    await storage.remove(root)
    assert.deepEqual(await readdir(join(mountPoint, 'guests')), [])
  })

  test('a limit holds, and a full root can be removed', async () => {
    await storage.create(root)
    await storage.limit(root, 32 * mib)
    assert.equal(await fillFile(fileOf(storage, root, 'big'), 128 * mib), 'EDQUOT')
    await tool('sync', ['--file-system', made.pool.mountPoint])
    const usage = await storage.usage(root)
    assert.ok(usage && usage.usedBytes > 16 * mib && usage.usedBytes <= 32 * mib, JSON.stringify(usage))
    await storage.clone(root, { kind: 'snapshot', number: 7, id: 'snapshot-1' }, { readOnly: true })
    await storage.remove({ kind: 'snapshot', number: 7, id: 'snapshot-1' })
    await storage.remove(root)
    assert.equal(await storage.exists(root), false)
  })

  test('subvolumes that a guest made go with it: nested, read-only, full and strangely named', async () => {
    await storage.create(root)
    await storage.create(second)
    const inside = storage.path(root)
    const victim = (await subvolumes()).at(-1)
    for (const name of ['a', 'a/b', 'a/b/c', `x\nID ${victim} gen 9 top level 5 path y`, '-r', 'with space']) {
      await makeNested(join(inside, name))
    }
    await writeFile(join(inside, 'a/b/c/file'), 'text')
    await tool('btrfs', ['property', 'set', '-ts', join(inside, 'a/b'), 'ro', 'true'])
    await storage.limit(root, 8 * mib)
    assert.equal(await fillFile(join(inside, 'big'), 32 * mib), 'EDQUOT')
    await tool('btrfs', ['property', 'set', '-ts', inside, 'ro', 'true'])
    await storage.remove(root)
    assert.equal(await storage.exists(root), false)
    assert.equal(await storage.exists(second), true, 'an invented row must not reach another guest')
    await storage.remove(second)
    assert.deepEqual(await subvolumes(), [])
  })

  test('a row invented by a guest does not change what another one is said to use', async () => {
    await storage.create(root)
    await writeFile(fileOf(storage, root, 'file'), Buffer.alloc(4 * mib))
    await storage.create(second)
    await makeNested(join(storage.path(second), 'x\nID 5 gen 9 top level 5 path guests'))
    await mkdir(join(storage.path(second), 'x\nID 5 gen 9 top level 5 path guests/7'))
    await tool('sync', ['--file-system', made.pool.mountPoint])
    const fresh = createBtrfs({ run, pool: made.pool })
    await fresh.open()
    assert.ok(((await fresh.usage(root))?.usedBytes ?? 0) >= 4 * mib)
    await storage.remove(root)
    await storage.remove(second)
  })

  test('a stream of an enemy makes nothing outside of its own folder', async () => {
    const ways: StreamCommand[] = ['/', '../../../..', made.folder, '/proc/1/root'].flatMap((to, at) => [
      ['symlink', { path: `way${at}`, ino: 300 + at, pathLink: to }],
      ['mkfile', { path: `way${at}/escaped`, ino: 400 + at }],
    ])
    const streams: StreamCommand[][] = [
      [subvolume('disk'), ...ways.slice(0, 2), ['end', {}]],
      ...[2, 4, 6].map((at): StreamCommand[] => [subvolume('disk'), ...ways.slice(at, at + 2), ['end', {}]]),
      [subvolume('../escaped'), ['end', {}]],
      [subvolume('/escaped'), ['end', {}]],
      [subvolume('disk'), ['mkfile', { path: '../escaped', ino: 500 }], ['end', {}]],
      [subvolume('disk'), ['mkfile', { path: 'a', ino: 500 }], ['rename', { path: 'a', pathTo: '../../escaped' }]],
      [subvolume('disk'), subvolume('escaped'), ['end', {}]],
      [['mkfile', { path: '/etc/escaped', ino: 500 }]],
    ]
    const target: Ref = { kind: 'snapshot', number: 9, id: 'snapshot-9' }
    const honest: StreamCommand[] = [subvolume('disk'), ['mkfile', { path: 'a', ino: 500 }], ['end', {}]]
    await storage.receive(target, Readable.from([makeStream(honest)]))
    assert.deepEqual(await readdir(storage.path(target)), ['a'])
    await storage.remove(target)
    for (const stream of streams) {
      await assert.rejects(storage.receive(target, Readable.from([makeStream(stream)])))
      const { stdout } = await tool('find', [made.folder, '/etc', '/tmp', '/', '-maxdepth', '1', '-name', 'escaped*'])
      assert.equal(stdout, '', JSON.stringify(stream))
      assert.deepEqual([await subvolumes(), (await storage.inventory()).guests], [[], []])
    }
    for (const folder of ['staging', 'guests']) assert.deepEqual(await readdir(join(made.pool.mountPoint, folder)), [])
  })

  test('a disk of a guest that says it came from elsewhere is no parent of anybody', async () => {
    await storage.create(root)
    // BTRFS_IOC_SET_RECEIVED_SUBVOL with any uuid: guests may not, the host can.
    const pose = 'open my $d, "<", $ARGV[0] or die; my $a = "x" x 16 . "\\0" x 184; ioctl $d, 0xc0c89425, $a or die $!'
    await tool('perl', ['-e', pose, '--', storage.path(root)])
    const target: Ref = { kind: 'snapshot', number: 9, id: 'snapshot-9' }
    const honest: StreamCommand[] = [subvolume('disk'), ['end', {}]]
    const receive = () => storage.receive(target, Readable.from([makeStream(honest)]))
    await assert.rejects(receive(), /says of itself that it came from elsewhere/)
    await storage.remove(root)
    await receive()
    await storage.remove(target)
  })

  test('a hole that was made since goes as zeros in a difference, and not at all in a whole disk', async () => {
    await storage.create(root)
    const file = fileOf(storage, root, 'holey')
    await writeFile(file, '')
    await truncate(file, 200 * mib)
    await tool('fallocate', ['-o', String(200 * mib - 4096), '-l', '4096', file])
    const [before, after] = ['snapshot-1', 'snapshot-2'].map((id): Ref => ({ kind: 'snapshot', number: 7, id }))
    assert.ok(before && after)
    await storage.clone(root, before, { readOnly: true })
    await tool('fallocate', ['-p', '-o', String(200 * mib - 4096), '-l', '4096', file])
    await storage.clone(root, after, { readOnly: true })
    const difference = await storage.send(after, { parent: before, mostBytes: 8 * mib })
    await assert.rejects(difference.stream.resume().toArray(), (e) => isCode(e, 'TOO_LARGE'))
    const { stream, sent } = await storage.send(after, { mostBytes: 8 * mib })
    for await (const _ of stream) {
    }
    assert.ok((await sent).bytes < mib)
    for (const ref of [root, before, after]) await storage.remove(ref)
  })

  test('a path that is too long to be sent is said', async () => {
    await storage.create(root)
    const deep = 'chdir $ARGV[0] or die; for (1 .. 25) { mkdir "x" x 200 or die; chdir "x" x 200 or die }'
    await tool('perl', ['-e', deep, '--', storage.path(root)])
    const taken: Ref = { kind: 'snapshot', number: 7, id: 'snapshot-1' }
    await storage.clone(root, taken, { readOnly: true })
    const { stream } = await storage.send(taken)
    await assert.rejects(stream.toArray(), /too long to be sent/)
    for (const ref of [root, taken]) await storage.remove(ref)
  })

  test('removals leave no qgroup behind', async () => {
    for (let number = 1; number <= 10; number++) {
      await storage.create({ kind: 'root', number, id: 'rootdisk-1' })
      await storage.limit({ kind: 'root', number, id: 'rootdisk-1' }, 64 * mib)
    }
    for (let number = 1; number <= 10; number++) await storage.remove({ kind: 'root', number, id: 'rootdisk-1' })
    await tool('btrfs', ['subvolume', 'sync', made.pool.mountPoint])
    await storage.open()
    assert.deepEqual(await subvolumes(), [])
    assert.deepEqual(await qgroups(), ['5'])
  })

  test('something else at the place of a root is an error, not an absence', async () => {
    await mkdir(storage.path(root), { recursive: true })
    await assert.rejects(storage.exists(root), /is not a subvolume/)
    await rm(join(made.pool.mountPoint, 'guests/7'), { recursive: true })
  })
})

describe('pools', () => {
  test('in a full pool a clone is whole or POOL_FULL, and removal works', async () => {
    const { storage, close } = await makePool({ name: 'small', sizeBytes: 256 * mib })
    try {
      await storage.open()
      await storage.create(root)
      assert.equal(await fillFile(fileOf(storage, root, 'big'), 512 * mib), 'ENOSPC')
      for (let index = 0; index < 5; index++) {
        const ref: Ref = { kind: 'snapshot', number: 7, id: `snapshot-${index}` }
        const thrown: unknown = await storage.clone(root, ref, { readOnly: true }).catch((e: unknown) => e)
        assert.ok(thrown === undefined || isCode(thrown, 'POOL_FULL'), String(thrown))
        assert.equal(await storage.exists(ref), thrown === undefined)
      }
      const state = await storage.state()
      assert.ok(state.freeBytes !== null && state.freeBytes < 64 * mib)
      const { guests } = await storage.inventory()
      for (const id of guests[0]?.snapshots ?? []) await storage.remove({ kind: 'snapshot', number: 7, id })
      await storage.remove(root)
      assert.deepEqual((await storage.inventory()).guests, [])
    } finally {
      await close()
    }
  })

  test('a pool file that vanished is DATA_LOST, a foreign one REFUSED, and destroy leaves nothing', async () => {
    const { folder, pool, storage, close } = await makePool({ sizeBytes: 256 * mib })
    try {
      await storage.open()
      await storage.create(root)
      await storage.close()
      await rm(pool.source)
      await assert.rejects(storage.open(), (e) => isCode(e, 'DATA_LOST'))
      await writeFile(pool.source, 'notes of mine')
      await assert.rejects(storage.open(), (e) => isCode(e, 'REFUSED'))
      await storage.destroy()
      assert.equal(await readFile(pool.source, 'utf8'), 'notes of mine')
      await rm(pool.source)
      await storage.open()
      await storage.destroy()
      assert.deepEqual(await readdir(folder), [])
    } finally {
      await close()
    }
  })

  test('a directory that is not on btrfs is refused; one that is becomes a pool beside what lies there', async () => {
    const plain = await mkdtemp('/dev/shm/croft-storage-')
    const below = await makePool({ name: 'below' })
    try {
      const spec = { name: 'dir', kind: 'directory', source: plain, mountPoint: plain } as const
      await assert.rejects(createBtrfs({ run, pool: spec }).open(), (e) => isCode(e, 'REFUSED'))
      await below.storage.open()
      const inside = join(below.pool.mountPoint, 'mine')
      await mkdir(inside)
      await writeFile(join(inside, 'notes'), 'mine')
      const storage = createBtrfs({ run, pool: { ...spec, source: inside, mountPoint: inside } })
      await storage.open()
      await storage.create(root)
      await below.storage.create(root)
      await storage.limit(root, 77 * mib)
      assert.equal((await storage.usage(root))?.limitBytes, 77 * mib)
      assert.equal((await below.storage.usage(root))?.limitBytes, null)
      await storage.destroy()
      assert.deepEqual(await readdir(inside), ['notes'])
      assert.equal(await below.storage.exists(root), true)
    } finally {
      await below.close()
      await rm(plain, { recursive: true, force: true })
    }
  })

  test('a device: refused while it holds something, formatted when empty and named twice, known again after', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'croft-device-'))
    const image = join(folder, 'disk.img')
    await writeFile(image, '')
    await truncate(image, 512 * mib)
    const device = (await tool('losetup', ['--find', '--show', image])).stdout.trim()
    const pool: PoolSpec = { name: 'disk', kind: 'device', source: device, mountPoint: join(folder, 'pool') }
    const confirmed = createBtrfs({ run, pool: { ...pool, erase: device } })
    try {
      await tool('mkfs.ext4', ['-q', device])
      await assert.rejects(confirmed.open(), (e) => isCode(e, 'REFUSED') && /ext4/.test(String(e)))
      await tool('wipefs', ['--all', device])
      const table = Buffer.alloc(512)
      table.set([0x80, 0, 2, 0, 0x83, 0, 2, 0, 1, 0, 0, 0, 0xff, 7, 0, 0], 446)
      table.set([0x55, 0xaa], 510)
      await writeFile(device, table, { flag: 'r+' })
      await assert.rejects(confirmed.open(), (e) => isCode(e, 'REFUSED') && /partition/.test(String(e)))
      await writeFile(device, Buffer.alloc(512), { flag: 'r+' })
      for (const erase of [undefined, '/dev/sda', 'yes']) {
        const storage = createBtrfs({ run, pool: { ...pool, ...(erase === undefined ? {} : { erase }) } })
        await assert.rejects(storage.open(), (e) => isCode(e, 'NEEDS_CONFIRMATION'))
      }
      await confirmed.open()
      await confirmed.create(root)
      await confirmed.close()
      const again = createBtrfs({ run, pool })
      await again.open()
      assert.equal(await again.exists(root), true)
      await again.close()
      const foreign = createBtrfs({ run, pool: { ...pool, name: 'another', erase: device } })
      await assert.rejects(foreign.open(), (e) => isCode(e, 'REFUSED') && /croft-disk/.test(String(e)))
      await again.destroy()
      assert.equal((await tool('wipefs', ['--parsable', device])).stdout, '')
      assert.equal(await stat(pool.mountPoint).catch(quiet), undefined)
    } finally {
      await tool('umount', [pool.mountPoint]).catch(quiet)
      await tool('losetup', ['--detach', device]).catch(quiet)
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('specs whose words could reach a tool are refused', () => {
    const good: PoolSpec = { name: 'main', kind: 'file', source: '/a/b', mountPoint: '/a/c', sizeBytes: 256 * mib }
    const bad: readonly Partial<PoolSpec>[] = [
      ...['../x', ''].map((name) => ({ name })),
      ...['relative', '/a/../b', '/a\n/b'].map((source) => ({ source })),
      ...['/', '-o', '/a,dev'].map((mountPoint) => ({ mountPoint })),
      { sizeBytes: -5 },
    ]
    for (const change of bad) {
      assert.throws(
        () => createBtrfs({ run, pool: { ...good, ...change } }),
        (e) => isCode(e, 'BAD_VALUE'),
      )
    }
  })
})
