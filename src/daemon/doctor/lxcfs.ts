/** lxcfs tells guests their own memory, if the operator runs it. One that ended leaves broken files in guests that have it. */
import type { Finding } from '../../api/resources.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, readAll } from '../records/records.ts'
import { ok, type Theme, warn } from './finding.ts'

export interface LxcfsFacts {
  /** Device of the one that runs; undefined when none does. */
  readonly device: string | undefined
  /** False where the operator left it aside. */
  readonly wanted: boolean
  /** Of each running guest, the device that its files are of; undefined when they are the kernel's own. */
  readonly guests: readonly { readonly name: string; readonly device: string | undefined }[]
}

export const lxcfs: Theme = {
  name: 'lxcfs',
  async examine(look, { settings, open }) {
    if (!open) return []
    const { runtime, store, host } = open.parts
    const pids = new Map((await runtime.list()).map(({ number, pid }) => [number, pid]))
    const records = await readAll<GuestRecord>(store, keys.guests(host.name))
    const guests = records.map(async ({ value: { name, number } }) => {
      const pid = pids.get(number)
      const mounts = pid === undefined ? undefined : await look.text(`/proc/${pid}/mountinfo`).catch(() => undefined)
      return { name, device: lxcfsDevice(mounts ?? '') }
    })
    const own = (await look.text('/proc/self/mountinfo')) ?? ''
    const device = lxcfsDevice(own, settings.lxcfs)
    return judgeLxcfs({ device, wanted: settings.lxcfs !== undefined, guests: await Promise.all(guests) })
  },
}

export function judgeLxcfs({ device, wanted, guests }: LxcfsFacts): Finding[] {
  const having = guests.filter((guest) => guest.device !== undefined)
  const broken = having.filter((guest) => guest.device !== device).map(({ name }) => name)
  if (broken.length > 0) {
    const names = broken.slice(0, 5).join(' ')
    const why = `${broken.length} running guests have files of an lxcfs that is gone: free and uptime fail in them`
    return [warn('lxcfs', why, `croft restart ${names}${broken.length > 5 ? ' …' : ''}`)]
  }
  if (device !== undefined) return [ok('lxcfs', `${having.length} running guests see their own memory`)]
  if (!wanted) return []
  const why = 'it does not run: free, top and uptime in guests show figures of the host'
  return [
    warn('lxcfs', why, 'apt install lxcfs; it holds for guests from their next start (CROFT_LXCFS= leaves it aside)'),
  ]
}

/** `major:minor` of the first lxcfs in a mountinfo, or of the one mounted exactly there. */
export function lxcfsDevice(mountinfo: string, mountPoint?: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [, , device, , path] = line.split(' ')
    if (line.includes(' - fuse.lxcfs ') && (mountPoint === undefined || path === mountPoint)) return device
  }
  return undefined
}
