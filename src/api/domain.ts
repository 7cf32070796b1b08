/** Names of the DNS, as people type them and as they are kept. */
import { z } from 'zod'

/** One label, as part of an expression. */
export const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
/** `shop.example.org`, in lower case, in the spelling of DNS (`xn--…`). */
export const domainPattern = new RegExp(`^(?=.{4,253}$)(${label}\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)
/** What people type: capitals and letters of other scripts become what DNS has. */
const inDnsSpelling = (text: string): string => {
  try {
    const { hostname } = new URL(`http://${text.replace(/\.$/, '')}`)
    return /^[^\s/\\@:?#%[\]]+$/.test(text) ? hostname : text
  } catch {
    return text
  }
}
export const Domain = z
  .string()
  .max(253)
  .transform(inDnsSpelling)
  .pipe(z.string().regex(domainPattern, 'must be a domain like shop.example.org'))
/** Also `*.example.org`: any one label. */
export const DomainOrWildcard = z
  .string()
  .max(253)
  .transform((text) => (text.startsWith('*.') ? `*.${inDnsSpelling(text.slice(2))}` : inDnsSpelling(text)))
  .refine(
    (text) => domainPattern.test(text.replace(/^\*\./, '')),
    'must be a domain like shop.example.org or *.example.org',
  )
