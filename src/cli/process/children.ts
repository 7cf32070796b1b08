/** The processes that a process has started. */
import { readdirSync, readFileSync } from 'node:fs'

/** From the kernel's own list, or, where it keeps none, from all processes. */
export function childrenOf(pid: number, proc = '/proc'): readonly number[] {
  const listed = readText(`${proc}/${pid}/task/${pid}/children`)
  if (listed !== undefined)
    return listed
      .split(' ')
      .filter((word) => /^\d+$/.test(word))
      .map(Number)
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(readText(`${proc}/${name}/stat`) ?? '') === pid)
    .map(Number)
}

/** The fourth word of a stat line; the second may hold blanks and brackets. */
export function parentOf(stat: string): number | undefined {
  const parent = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ')[1]
  return parent !== undefined && /^\d+$/.test(parent) ? Number(parent) : undefined
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
