/** Descriptors that our caller left open. Whoever we start would get them too, and a guest could climb out by one. */
import { closeSync, readdirSync, readFileSync } from 'node:fs'

const closeOnExec = 0o2000000

/** Closes all but stdin, stdout and stderr that would outlive an exec; our runtime's own do not. */
export function closeInherited(): void {
  for (const name of readdirSync('/proc/self/fd')) if (Number(name) > 2 && isInherited(name)) closeSync(Number(name))
}

function isInherited(name: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0
  } catch {
    // That of the listing itself is closed by now.
    return false
  }
}
