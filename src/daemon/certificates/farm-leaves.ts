/** The farm's own certificates for names that have no better one: made at once, so that https answers from the first moment. */
import { toCroftError } from '../../api/errors.ts'
import { type CertificateSet, covers, isValid } from '../../plan/certificate-sets.ts'
import { isDue } from '../../plan/certificates.ts'
import type { Env } from '../env.ts'
import type { Log } from '../host/parts.ts'
import { createTurns } from '../host/turns.ts'
import type { Issued } from '../pki/openssl.ts'
import type { Book } from './book.ts'
import type { Certificate } from './records.ts'

export interface FarmCa {
  /** Of the CA's certificate: after a change of CA all are made anew. Null: there is none yet. */
  fingerprint(): string | null
  issueEdge(names: readonly string[]): Promise<Issued>
}

export interface FarmLeaves {
  /** One that bears these names of the set, made when it must be. Undefined when it cannot be made now. */
  ensure(set: CertificateSet, names: readonly string[]): Promise<Certificate | undefined>
}

/** Two openssl one after another for each. */
const atOnce = 4

export function createFarmLeaves(parts: { env: Env; log: Log; book: Book; ca: FarmCa }): FarmLeaves {
  const { env, log, book, ca } = parts
  const turns = createTurns(atOnce, env)
  /** Before the CA can be told nothing is judged by it. */
  const isOfNow = ({ record }: Certificate): boolean => [record.ca, null].includes(ca.fingerprint())

  async function make({ name, names }: CertificateSet): Promise<Certificate | undefined> {
    try {
      const { key, certificate } = await ca.issueEdge(names)
      return await book.keep({ kind: 'farm', name, key, chain: certificate, ca: ca.fingerprint() ?? '' })
    } catch (thrown) {
      const { code, message } = toCroftError(thrown)
      log.warn({ certificate: name, code }, `no certificate by the farm's CA: ${message}`)
      return undefined
    }
  }

  return {
    async ensure(set, names) {
      const now = env.now()
      const known = book.find('farm', set.name)
      const usable = known && book.findPem(known) !== undefined ? known : undefined
      if (usable && names.every((name) => covers(usable, name)) && !isDue(usable, now, []) && isOfNow(usable))
        return usable
      return (await turns.take(() => make(set))) ?? (usable && isValid(usable, now) ? usable : undefined)
    },
  }
}
