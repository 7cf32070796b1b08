/** Amounts of bytes and time as people type and read them. Pure. */

const units = ['', 'K', 'M', 'G', 'T'] as const

/** In the largest unit that divides it, as people type it. */
export function sizeText(bytes: number): string {
  const power = [4, 3, 2, 1].find((each) => bytes > 0 && bytes % 1024 ** each === 0) ?? 0
  return `${bytes / 1024 ** power}${units[power]}`
}

/** `9.3G`: to read, not to type. */
export function roughSize(bytes: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  const value = bytes / 1024 ** power
  return `${value.toFixed(value >= 99.95 || Number.isInteger(value) ? 0 : 1).replace(/\.0$/, '')}${units[power]}`
}

/** `41 s`, `12 min`, `5 h`, `3 d`: to read. */
export function roughTime(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
