/** Every value of a zone is checked again here, before a driver makes text of it. */
import { isIP } from 'node:net'
import { CroftError } from '../../api/errors.ts'
import { parseRange } from '../../plan/firewall/ranges.ts'
import type { Zone } from './driver.ts'

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** Throws BAD_VALUE at the first value that is malformed, and when a name stands twice. */
export function checkZone({ farm, prefix4, prefix6, names }: Zone): void {
  must(label.test(farm), 'farm', farm)
  must(parseRange(prefix4)?.family === 4 && prefix4.endsWith('/16'), 'IPv4 network', prefix4)
  must(parseRange(prefix6)?.family === 6 && prefix6.endsWith('::/64'), 'IPv6 network', prefix6)
  const seen = new Set<string>()
  for (const { name, addresses } of names) {
    must(isName(name), 'name', name)
    must(!seen.has(name), 'name that stands twice', name)
    seen.add(name)
    for (const address of addresses) must(isIP(address) !== 0 && !address.includes('%'), 'address', address)
  }
}

/** What has dots is a site's, or lies below one. */
function isName(name: string): boolean {
  const parts = name.split('.')
  return (
    parts.every((part) => label.test(part)) && (parts.length === 1 || (parts.length < 5 && parts.at(-1) === 'site'))
  )
}

function must(holds: boolean, what: string, value: string): void {
  if (!holds) throw new CroftError('BAD_VALUE', `names: ${what}: ${JSON.stringify(String(value).slice(0, 60))}`)
}
