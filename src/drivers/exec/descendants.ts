import { readFileSync } from 'node:fs'

/** The processes that a process has started, and with `all` those that these have started. */
export function childrenOf(pid: number, all = false): readonly number[] {
  const own = (listed(pid) ?? '').split(' ').filter((word) => word !== '')
  return own.map(Number).flatMap((child) => (all ? [child, ...childrenOf(child, true)] : [child]))
}

function listed(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  } catch {
    // It ended by itself meanwhile.
    return undefined
  }
}
