/** What happened to the edge and its certificates, from before and after: pure. */
import type { SetState, Trouble } from './acme.ts'
import { type Told, tell } from './events.ts'

export interface CertificateSeen {
  readonly kind: string
  readonly fingerprint: string
  readonly expires: string
  readonly issuer?: string
  readonly at?: string
}

/** The farm's own come and go with names, and are no news. */
export function tellCertificate(
  name: string,
  before: CertificateSeen | undefined,
  after: CertificateSeen | undefined,
): Told[] {
  const kind = (after ?? before)?.kind
  if ((kind !== 'acme' && kind !== 'imported') || before?.fingerprint === after?.fingerprint) return []
  if (!after) return [tell('certificate', name, 'removed')]
  const event = kind === 'imported' ? 'imported' : before ? 'renewed' : 'issued'
  return [tell('certificate', name, event, { at: after.at, detail: `by ${after.issuer}, until ${after.expires}` })]
}

/** What an ACME server refused, or could not be asked. The same reason again is no news; that a name points elsewhere is its check's. */
export function tellAcme(name: string, before: SetState | undefined, after: SetState | undefined): Told[] {
  if (!after) return []
  const told = ({ reason, at }: Trouble, was: Trouble | undefined, of: string): Told[] =>
    was?.reason === reason
      ? []
      : [tell('certificate', name, 'failed', { at: new Date(at).toISOString(), reason: `${of}${reason}` })]
  const names = Object.entries(after.names).filter(([, { by }]) => by === 'server')
  return [
    ...(after.trouble ? told(after.trouble, before?.trouble, '') : []),
    ...names.flatMap(([each, trouble]) => told(trouble, before?.names[each], `${each}: `)),
  ]
}

/** Of one that nobody renews. */
export interface Ending {
  readonly name: string
  readonly state: 'ends-soon' | 'expired'
  readonly expires: string
  readonly at: string
}

export function tellEnding(before: Ending | undefined, after: Ending | undefined): Told[] {
  if (!after || (before?.state === after.state && before.expires === after.expires)) return []
  const { name, state, expires, at } = after
  return [tell('certificate', name, state === 'expired' ? 'expired' : 'expiring', { at, detail: `until ${expires}` })]
}

export interface EdgeStatus {
  readonly name: string
  readonly state: 'serves' | 'died'
  readonly at: string
}

export function tellEdge(name: string, before: EdgeStatus | undefined, after: EdgeStatus | undefined): Told[] {
  if (!after || before?.at === after.at) return []
  if (after.state === 'died') return [tell('edge', name, 'died', { at: after.at })]
  return before?.state === 'died' ? [tell('edge', name, 'back', { at: after.at })] : []
}
