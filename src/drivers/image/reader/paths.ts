/** Names in archives: relative, plain, inside. */
import { Refused, shown } from './refused.ts'

/** `./a/b/` → `a/b`; the root itself is empty. */
export function cleanPath(path: string): string {
  if (path.includes('\0')) throw new Refused(`${shown(path)} holds a zero byte`)
  if (path.startsWith('/')) throw new Refused(`${shown(path)} is an absolute name`)
  if (path.length > 4000) throw new Refused(`${shown(path)} is too long a name`)
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  for (const part of parts) {
    if (part === '..') throw new Refused(`${shown(path)} leads outside`)
    if (part.length > 255) throw new Refused(`${shown(path)} is too long a name`)
  }
  return parts.join('/')
}

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
