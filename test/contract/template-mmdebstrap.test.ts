/** One real build. Needs root, a Debian mirror, and root's lines in /etc/subuid and /etc/subgid. */
import assert from 'node:assert/strict'
import { appendFile, chmod, lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createMmdebstrap } from '../../src/drivers/template/mmdebstrap/index.ts'
import { defaultUidBase, uidOf, uidRangeSize, uidSlots } from '../../src/plan/addresses.ts'
import { putInMemory, takeFromMemory } from '../memory.ts'
import { templateContract } from './template.ts'

const range = `root:${defaultUidBase}:${uidRangeSize * uidSlots}`
/** No guest of a test gets that far, no daemon builds there, and of other runs at the same time each has its own. */
const uidBase = uidOf(defaultUidBase, 3800 + (process.pid % 200))
const workDir = await mkdtemp('/var/tmp/croft-builder-test-')
const canary = join(workDir, 'canary')
const undo: (() => Promise<void>)[] = []

before(async () => {
  for (const path of ['/etc/subuid', '/etc/subgid']) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (text.split('\n').includes(range)) continue
    await appendFile(path, `${range}\n`)
    undo.push(async () => {
      const now = await readFile(path, 'utf8')
      await writeFile(path, now.replace(`${range}\n`, ''))
    })
  }
  await putInMemory(workDir)
  await writeFile(canary, 'secret of the host', { mode: 0o644 })
  await chmod(workDir, 0o755)
  process.env.TMPDIR = await mkdtemp(join(workDir, 'roots-'))
})
after(async () => {
  for (const step of undo) await step()
  await takeFromMemory(workDir)
  await rm(workDir, { recursive: true, force: true })
})

/** The script is root inside, and sees neither the host's files nor a way to them. */
const script = `#!/bin/bash
set -e
test "$(id -u)" = 0
test ! -e ${canary}
! cat /proc/1/root${canary} 2>/dev/null
! chroot / true 2>/dev/null
! mount -t tmpfs none /mnt 2>/dev/null
! mknod /tmp/disk b 254 0 2>/dev/null
! unshare --user --map-root-user --mount --pid --fork sh -c 'mount -t proc p /proc && cat /proc/1/root${canary}' 2>/dev/null
! unshare --user --map-root-user --mount sh -c 'umount -l / && cat ${canary}' 2>/dev/null
test -z "$(find /run -type s)"
test ! -e /dev/vda -a ! -e /dev/sda -a ! -e /dev/loop0 -a ! -e /dev/kmsg
apt-get install -y --no-install-recommends tree
useradd --create-home lark
ln -s ${canary} /etc/hostname.link
ln -sf ${canary} /etc/resolv.conf
echo built > /etc/built
`

templateContract({
  name: 'mmdebstrap',
  builder: createMmdebstrap({ run: createRunner(), workDir }),
  uidBase,
  good: { from: 'debian:12', packages: ['tini'], script },
  long: { from: 'debian:12', packages: [] },
  abortAt: /extracting archives/,
  async look(root) {
    assert.equal(await readFile(join(root, 'etc/built'), 'utf8'), 'built\n')
    assert.equal(await readFile(canary, 'utf8'), 'secret of the host')
    const owner = async (path: string) => {
      const { uid, gid } = await lstat(join(root, path))
      return [uid, gid]
    }
    assert.deepEqual(await owner('etc/passwd'), [0, 0])
    assert.deepEqual(await owner('home/lark'), [1000, 1000])
    for (const path of ['usr/sbin/init', 'usr/sbin/sshd', 'usr/bin/tree', 'usr/bin/tini', 'usr/bin/ping']) {
      assert.ok(await lstat(join(root, path)), path)
    }
    for (const path of ['dev', 'run', 'tmp', 'var/lib/apt/lists']) assert.deepEqual(await readdir(join(root, path)), [])
    assert.equal((await readdir(root)).includes('.croft-build'), false)
  },
  async leftovers() {
    const found = (await readdir(workDir)).filter((name) => name !== 'canary' && !name.startsWith('roots-'))
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
      .split('\n')
      .filter((line) => line.includes(`${workDir}/`))
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const uids = await Promise.all(
      pids.map(async (pid) => {
        const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
        return Number(/^Uid:\t(\d+)/m.exec(status)?.[1])
      }),
    )
    const alive = uids.filter((uid) => uid >= uidBase && uid < uidBase + uidRangeSize)
    return [...found, ...mounts, ...alive.map((uid) => `process of uid ${uid}`)]
  },
})
