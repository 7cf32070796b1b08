/** The disk below a btrfs, as the kernel's limits name it. */
import { readdir, readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** `sysfs` is /sys/fs/btrfs/UUID. Limits are set on whole disks: a partition's is its parent. */
export async function blockDeviceOf(sysfs: string): Promise<string | undefined> {
  const names = await readdir(join(sysfs, 'devices')).catch(() => [])
  const [only, ...others] = names
  if (only === undefined || others.length > 0) return undefined
  const device = await realpath(join(sysfs, 'devices', only))
  const partition = await readFile(join(device, 'partition'), 'utf8').catch(() => undefined)
  return (await readFile(join(partition === undefined ? device : dirname(device), 'dev'), 'utf8')).trim()
}
