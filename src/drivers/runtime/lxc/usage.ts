/** What the kernel's files say of a guest's use: pure. Version 1 and 2 differ in names and shape; null is "it does not tell". */

/** v1 says "no limit" with a number near 2^63, v2 with `max`. */
export function numberOf(text: string | undefined): number | null {
  const number = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) && number < 2 ** 60 ? number : null
}

/** `cpuacct.usage` is nanoseconds, `cpu.stat` has `usage_usec`. */
export function parseCpuSeconds(text: string | undefined): number | null {
  if (text === undefined) return null
  const micro = /^usage_usec (\d+)/m.exec(text)?.[1]
  return micro === undefined ? Number(text) / 1e9 : Number(micro) / 1e6
}

/** Without the cache that can be given back. On v1 `inactive_file` is of this folder alone, while the use is that of all below it too. */
export function unreclaimable(used: number | null, stat = ''): number | null {
  const cache = (/^total_inactive_file (\d+)$/m.exec(stat) ?? /^inactive_file (\d+)$/m.exec(stat))?.[1]
  return used === null ? null : Math.max(0, used - Number(cache ?? 0))
}

/**
 * `7:0 Read 4096` on v1, `7:0 rbytes=4096 wbytes=0 …` on v2. A pool in a file is counted at the loop device and again at
 * the disk below it: the largest is what the guest asked for. No line is no traffic yet.
 */
export function parseIo(text: string | undefined, way: 'read' | 'write'): number | null {
  if (text === undefined) return null
  const pattern = way === 'read' ? /(?: Read |\brbytes=)(\d+)/g : /(?: Write |\bwbytes=)(\d+)/g
  return Math.max(0, ...[...text.matchAll(pattern)].map(([, bytes]) => Number(bytes)))
}

export function parseOomKills(text: string | undefined): number | null {
  const kills = /^oom_kill (\d+)$/m.exec(text ?? '')?.[1]
  return kills === undefined ? null : Number(kills)
}
