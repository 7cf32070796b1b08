import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../src/api/errors.ts'
import type { Runner } from '../../src/drivers/exec/command.ts'
import * as commands from '../../src/drivers/storage/btrfs/commands.ts'
import {
  findMount,
  parseCount,
  parseMountInfo,
  parseProbe,
  parseSubvolumes,
  storageFailed,
} from '../../src/drivers/storage/btrfs/parse.ts'
import { createSpare, whileRoom } from '../../src/drivers/storage/btrfs/room.ts'

const mountInfo = [
  '21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
  '40 21 0:40 / /srv/my\\040pool rw,noatime - btrfs /dev/loop0 rw,subvolid=5,subvol=/',
  '41 21 0:41 /@data /srv/data rw shared:7 master:3 - btrfs /dev/sdb1 rw,subvol=/@data',
  '42 41 0:42 / /srv/data rw - tmpfs tmpfs rw',
  '',
].join('\n')

test('mounts: escapes, optional fields, the deepest, of equal ones the last', () => {
  const mounts = parseMountInfo(mountInfo)
  assert.equal(mounts.length, 4)
  assert.deepEqual(mounts[1], { root: '/', mountPoint: '/srv/my pool', fileSystem: 'btrfs', source: '/dev/loop0' })
  assert.equal(findMount(mounts, '/srv/my pool/guests')?.source, '/dev/loop0')
  assert.equal(findMount(mounts, '/srv/my pools')?.source, '/dev/vda')
  assert.equal(findMount(mounts, '/srv/data')?.fileSystem, 'tmpfs')
  assert.equal(findMount(mounts.slice(0, 3), '/srv/data/pool')?.root, '/@data')
  assert.equal(findMount([], '/srv'), undefined)
})

test('subvolumes: rows as they are listed, names cut at a newline', () => {
  const text = 'ID 256 gen 10 top level 5 path guests/7/roots/a b\nID 300 gen 11 top level 256 path x\nID 5 forged\n'
  assert.deepEqual(parseSubvolumes(text), [
    { id: 256, topLevel: 5, path: 'guests/7/roots/a b' },
    { id: 300, topLevel: 256, path: 'x' },
  ])
  assert.deepEqual(parseSubvolumes(''), [])
})

test('numbers of sysfs: no limit is null', () => {
  assert.equal(parseCount('104857600\n'), 104_857_600)
  assert.equal(parseCount('18446744073709551615\n'), null)
  assert.equal(parseCount('none\n'), null)
})

test('blkid: values may hold an equals sign', () => {
  const tags = parseProbe('DEVNAME=/dev/sdb\nLABEL=a=b\nTYPE=ext4\n\n')
  assert.equal(tags.get('LABEL'), 'a=b')
  assert.equal(tags.get('TYPE'), 'ext4')
})

test('a full pool is told apart from other failures', () => {
  const command = commands.createSubvolume('/pool/staging/aaaaaaaa')
  const outcome = (stderr: string) => ({ code: 1, signal: null, stdout: '', stderr, timedOut: false })
  const full = ['No space left on device', 'Disk quota exceeded'].map((text) =>
    storageFailed(command, outcome(`ERROR: cannot create subvolume: ${text}`)),
  )
  for (const error of full) assert.ok(isCode(error, 'POOL_FULL'))
  assert.ok(isCode(storageFailed(command, outcome('ERROR: Input/output error')), 'COMMAND_FAILED'))
})

test('mkfs is never forced, and paths follow --', () => {
  const { args } = commands.makeFileSystem('/dev/sdb', 'croft-main')
  assert.deepEqual(args, ['--quiet', '--label', 'croft-main', '--', '/dev/sdb'])
  assert.deepEqual(commands.snapshot('/p/a', '/p/b', true).args, ['subvolume', 'snapshot', '-r', '/p/a', '/p/b'])
  assert.deepEqual(commands.limitSubvolume(300, null, '/p').args, ['qgroup', 'limit', 'none', '0/300', '/p'])
  assert.doesNotMatch(commands.mountOptions, /nosuid|user_subvol_rm_allowed/)
})

test('what comes from another pool stops when the pool is nearly full, whatever it was said to be', async () => {
  const mib = 1024 ** 2
  let freeBytes = 200 * mib
  let inCache = 0
  const pool = { name: 'default', kind: 'file', source: '/p', mountPoint: '/m' } as const
  const state = async () => ({ mounted: true, totalBytes: 1000 * mib, freeBytes })
  const source = (async function* () {
    for (let count = 0; count < 600; count++) {
      inCache += mib
      yield Buffer.alloc(mib)
    }
  })()
  const run: Runner = {
    run: () => assert.fail(),
    outcome: async ({ args }) => {
      assert.deepEqual(args, ['filesystem', 'sync', '/m'])
      freeBytes -= inCache
      inCache = 0
      return { code: 0, signal: null, stdout: '', stderr: '', timedOut: false }
    },
  }
  let came = 0
  const taking = async () => {
    for await (const chunk of whileRoom(source, createSpare(run, pool, state))) came += chunk.length
  }
  await assert.rejects(taking(), { code: 'POOL_FULL' })
  assert.ok(came > 100 * mib && came < 200 * mib, `${came}`)
})
