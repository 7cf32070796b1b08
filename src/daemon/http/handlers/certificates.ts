/** Certificates: of the door, of the edge, and those that people bring. Private keys come in and never go out. */
import { rootCertificates } from 'node:tls'
import type { Certificate } from '../../../api/door.ts'
import { CroftError, toCroftError } from '../../../api/errors.ts'
import type { EdgeCertificate } from '../../../drivers/edge/driver.ts'
import { covers } from '../../../plan/certificate-sets.ts'
import { type CertificateRecord, certificateKey } from '../../certificates/records.ts'
import { type Daemon, getFarm, type WholeDaemon } from '../../daemon.ts'
import { readBundle } from '../../pki/pem.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { keys } from '../../records/keys.ts'
import { read, readAll, type TokenRecord } from '../../records/records.ts'
import type { Handlers } from '../handler.ts'

/** A slow server is not waited for longer than clients wait for us; the work goes on. */
const patienceMs = 50_000

export const handlers = {
  listCertificates: (daemon) => listViews(daemon),

  getCertificate: (daemon, { params }) => getView(daemon, params.certificate),

  async importCertificate(daemon, { body, query, caller }) {
    const bundle = readBundle(body.pem, daemon.env.now(), () => rootCertificates)
    const name = (bundle.names[0] ?? '').replace('*', '_')
    await assertServes(daemon, { name: 'imported', names: [], pem: bundle.key + bundle.chain })
    const steps = [{ what: name, step: 'import', detail: bundle.names.join(' ') }]
    if (query.dryRun) return { operation: null, result: null, steps }
    const { certificates } = getFarm(daemon)
    const { key, value } = await certificates.seal({ kind: 'imported', name, key: bundle.key, chain: bundle.chain })
    await commit(daemon, caller, query, async (): Promise<Change> => {
      const known = await read<CertificateRecord>(daemon.store, key)
      assertRevision(query, known?.revision ?? 0, `certificate/${name}`)
      return {
        ...{ kind: 'certificate', name, verb: 'import', before: known ? told(known.value) : null, after: told(value) },
        compare: [{ key, revision: known?.revision ?? 0 }],
        writes: [{ put: key, value }],
      }
    })
    await certificates.known(key)
    const result = { ...(await getView(daemon, name)), warnings: bundle.warnings }
    return { operation: null, result }
  },

  async issueCertificate(daemon, { params, query }) {
    const { name, names } = await getView(daemon, params.certificate)
    const steps = [{ what: name, step: 'issue', detail: names.join(' ') }]
    if (query.dryRun) return { operation: null, result: null, steps }
    const { promise: late, resolve } = Promise.withResolvers<void>()
    using _timer = daemon.env.later(Math.min(query.wait ?? patienceMs, patienceMs), resolve)
    const work = getFarm(daemon).certificates.issueNow(name)
    work.catch(() => undefined)
    await Promise.race([work, late])
    return { operation: null, result: await getView(daemon, name) }
  },

  async removeCertificate(daemon, { params, query, caller }) {
    const name = params.certificate.replace('*', '_')
    const key = certificateKey('imported', name)
    if (!(await read(daemon.store, key))) throw await notImported(daemon, params.certificate)
    if (query.dryRun)
      return { operation: null, result: null, steps: [{ what: name, step: 'remove', detail: 'certificate' }] }
    await commit(daemon, caller, query, async (): Promise<Change> => {
      const known = await read<CertificateRecord>(daemon.store, key)
      if (!known) throw missing(name)
      assertRevision(query, known.revision, `certificate/${name}`)
      return {
        ...{ kind: 'certificate', name, verb: 'rm', before: told(known.value), after: null },
        compare: [{ key, revision: known.revision }],
        writes: [{ delete: key }],
      }
    })
    return { operation: null, result: null }
  },
} satisfies Partial<Handlers>

async function listViews(daemon: WholeDaemon): Promise<Certificate[]> {
  const records = await readAll<TokenRecord>(daemon.store, keys.tokens)
  const edge = (await daemon.open()?.certificates.views()) ?? []
  return [...daemon.outside.certificates(), ...records.flatMap(({ value }) => clientOf(value)), ...edge]
}

/** What the edge does not take would hold up all its sites. */
async function assertServes(daemon: Daemon, certificate: EdgeCertificate): Promise<void> {
  try {
    await getFarm(daemon).parts.edge?.assertTakes(certificate)
  } catch (thrown) {
    const [, line = 'it gave no reason'] = toCroftError(thrown).message.split('\n')
    const why = `${line.split(' : ').at(-1)}; is a key or a signature in its chain too weak?`
    throw new CroftError('BAD_VALUE', `the certificate cannot be taken: the edge cannot serve by it: ${why}`, {
      hint: 'croft help cert import',
      cause: thrown,
    })
  }
}

const clientOf = ({ kind, name, hash: fingerprint, created: begins, expires }: TokenRecord): Certificate[] =>
  kind === undefined ? [] : [{ name, kind: 'client', fingerprint, names: [], begins, expires, renews: null }]

/** Its own name first, then a domain that it bears; what people brought before all else. */
async function getView(daemon: WholeDaemon, name: string): Promise<Certificate> {
  const plain = name.replace('*', '_')
  const views = await listViews(daemon)
  const imported = views.toSorted((one, two) => Number(two.kind === 'imported') - Number(one.kind === 'imported'))
  const found = imported.find((each) => each.name === plain) ?? imported.find((each) => covers(each, name))
  if (found) return found
  throw missing(name)
}

const missing = (name: string): CroftError =>
  new CroftError('NOT_FOUND', `no certificate "${name}"`, { hint: 'croft cert ls' })

async function notImported(daemon: WholeDaemon, name: string): Promise<CroftError> {
  const { kind, name: own } = await getView(daemon, name)
  if (kind === 'imported')
    return new CroftError('NOT_FOUND', `"${name}" is a name of the certificate "${own}"`, {
      hint: `croft cert rm ${own}`,
    })
  if (kind === 'client') return new CroftError('REFUSED', `"${name}" is of a token`, { hint: `croft token rm ${name}` })
  return new CroftError('REFUSED', `the certificate "${name}" was not imported: it goes with what it is for`, {
    hint: kind === 'farm' || kind === 'acme' ? 'croft route ls' : 'croft cert ls',
  })
}

/** For the history: without the key, sealed or not. */
const told = ({ names, issuer, fingerprint, begins, expires }: CertificateRecord) => ({
  ...{ names, issuer, fingerprint, begins, expires },
})
