/** When certificates begin, end and are made anew. Milliseconds of the wall clock come in from outside. */
const day = 24 * 3600 * 1000

export const lifeMs = { ca: 20 * 365 * day, host: 90 * day, edge: 90 * day } as const

/** Clocks of laptops differ: what is made now counts a while already. */
const earlierMs = 3600 * 1000

export interface Validity {
  readonly from: number
  readonly until: number
}

export interface HostCertificate extends Validity {
  readonly names: readonly string[]
}

export const validityFrom = (now: number, life: number): Validity => ({ from: now - earlierMs, until: now + life })

/** At two thirds of its life: the last third is for whoever must mend what keeps it from being made. */
export const renewsAt = ({ from, until }: Validity): number => from + Math.floor(((until - from) * 2) / 3)

/** Also when the host has got a name or an address that it does not bear. */
export function isDue(certificate: HostCertificate, now: number, names: readonly string[]): boolean {
  const borne = new Set(certificate.names)
  return now >= renewsAt(certificate) || now < certificate.from || names.some((name) => !borne.has(name))
}
