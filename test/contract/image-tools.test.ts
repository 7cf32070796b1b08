/** The reader and tar in their rooms, on a tmpfs that can be mounted idmapped. Needs root. */
import { globSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { zstdCompressSync } from 'node:zlib'
import { createImageTools } from '../../src/drivers/image/tools/index.ts'
import { confinementIn } from '../../src/drivers/runtime/lxc/confine.ts'
import { tarOf, tinySystem } from '../archives/make.ts'
import { imageContract } from './image.ts'
import { run, tool } from './runtime-world.ts'

imageContract('tools', async () => {
  const cgroup = `croft-image-test-${process.pid}`
  const folder = await mkdtemp('/var/tmp/croft-images-')
  const [workDir, disk] = [join(folder, 'work'), join(folder, 'disk')]
  await chmod(folder, 0o711)
  await mkdir(workDir, { mode: 0o711 })
  await mkdir(disk)
  await run.run(tool('mount', '-t', 'tmpfs', '-o', 'mode=0711,size=128m', 'croft-test', disk))
  const cgroups = () => globSync([`/sys/fs/cgroup/${cgroup}`, `/sys/fs/cgroup/*/${cgroup}`])
  let roots = 0
  return {
    images: createImageTools({ confinement: confinementIn(cgroup), workDir }),
    folder,
    uidBase: 0x70000000,
    async root() {
      const path = join(disk, `root${++roots}`)
      await mkdir(path, { mode: 0o755 })
      return path
    },
    archiveOf: (text) => tarOf([...tinySystem, { path: 'etc/fake', content: text }]),
    long: zstdCompressSync(Buffer.alloc(512 * 1024 ** 2)),
    async atWork() {
      while ((await readdir(workDir)).length === 0) await sleep(5)
    },
    leftovers: async () => [...(await readdir(workDir)), ...cgroups()],
    async close() {
      await run.run(tool('umount', disk))
      await rm(folder, { recursive: true, force: true })
    },
  }
})
