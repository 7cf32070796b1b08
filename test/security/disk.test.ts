/** A small disk: what is sent, and what an archive becomes on its way, leaves room for the store. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate as breathe } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { systemEnv } from '../../src/daemon/env.ts'
import { Uploads } from '../../src/daemon/uploads/uploads.ts'
import { createImageTools } from '../../src/drivers/image/tools/index.ts'

const mebibyte = 1024 ** 2
const disk = mkdtempSync(join(tmpdir(), 'croft-disk-'))
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=640m', 'tmpfs', disk])
after(() => {
  execFileSync('umount', [disk])
  rmSync(disk, { recursive: true })
})
const freeBytes = (): number => {
  const { bavail, bsize } = statfsSync(disk)
  return bavail * bsize
}

test('many files sent at once leave as much free as one does', async () => {
  const uploads = new Uploads(join(disk, 'uploads'), systemEnv)
  let least = freeBytes()
  async function* file() {
    for (let at = 0; at < 60; at++) {
      yield Buffer.alloc(mebibyte)
      least = Math.min(least, freeBytes())
      await breathe()
    }
  }
  const sent = await Promise.allSettled(Array.from({ length: 12 }, () => uploads.receive(file(), 2 ** 30)))
  const reasons = sent.flatMap((each) => (each.status === 'rejected' ? [(each.reason as { code: string }).code] : []))
  assert.ok(reasons.length >= 11 && reasons.every((code) => code === 'POOL_FULL'), JSON.stringify(reasons))
  assert.ok(least >= 512 * mebibyte, `${least}`)
  for (const each of sent) if (each.status === 'fulfilled') await uploads.remove(each.value.id)
})

test('an archive that unpacks to more than the disk has room for is refused before the disk is full', async () => {
  const bomb = join(disk, 'bomb')
  writeFileSync(bomb, gzipSync(Buffer.alloc(200 * mebibyte)))
  const target = join(disk, 'target')
  mkdirSync(target)
  const confinement = { cgroup: 'none', seccomp: '', sweep: async () => {}, prune: async () => {} }
  const limits = { bytes: 2 ** 34, files: 1000 }
  const options = { signal: AbortSignal.timeout(60_000), uidBase: 0x70000000, limits }
  await assert.rejects(createImageTools({ confinement, workDir: disk }).unpack(bomb, target, options), {
    code: 'TEMPLATE_UNSAFE',
    message: /unpacks to more than/,
  })
})
