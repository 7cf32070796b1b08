import type { Certificate } from '../../../api/door.ts'
import type { Column } from '../../answer.ts'

export const certColumns: readonly Column<Certificate>[] = [
  { title: 'NAME', get: (certificate) => certificate.name },
  { title: 'KIND', get: (certificate) => certificate.kind },
  { title: 'STATE', as: 'state', sparse: true, get: (certificate) => certificate.state },
  { title: 'EXPIRES', get: (certificate) => certificate.expires },
  { title: 'RENEWS', get: (certificate) => certificate.renews },
  { title: 'NAMES', elastic: true, sparse: true, get: namesText },
  { title: 'FAILURE', sparse: true, get: failureText },
  { title: 'ISSUER', wide: true, sparse: true, get: (certificate) => certificate.issuer },
  { title: 'FINGERPRINT', wide: true, get: (certificate) => certificate.fingerprint },
]

function namesText({ names }: Certificate): string | undefined {
  const more = names.length - 3
  return names.length === 0 ? undefined : names.slice(0, 3).join(' ') + (more > 0 ? ` +${more}` : '')
}

export function failureText({ failure, without = [] }: Certificate): string | undefined {
  const [first] = without
  return failure?.reason ?? (first && `${first.name}: ${first.reason}`)
}
