/**
 * Talks to an ACME server by acme-client, in a process of its own that lives for one certificate: the library costs more
 * memory than the daemon has to spare. It is nobody before it hears the first word, and has the account's key, no other.
 */
import { createInterface } from 'node:readline'
import acme from 'acme-client'
import { forbidding } from '../../web/far.ts'
import type { AcmeOutcome, AcmeWish, NameFailure, Proof } from '../driver.ts'
import { askWith, Problem } from './web.ts'
import { type Heard, plainText, type Said } from './words.ts'

type Order = Awaited<ReturnType<InstanceType<typeof acme.Client>['createOrder']>>
type Authorization = Awaited<ReturnType<InstanceType<typeof acme.Client>['getAuthorizations']>>[number]

// Whether to try again is for the daemon to say.
Object.assign(acme.axios.defaults, { acmeSettings: { retryMaxAttempts: 0, retryDefaultDelay: 0 } })

const nobody = 65_534
if (process.getuid?.() === 0) {
  process.setgroups?.([])
  process.setgid?.(nobody)
  process.setuid?.(nobody)
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
// Whoever asked is gone: so is this.
process.stdin.once('end', () => process.exit(0))

async function hear(): Promise<Heard> {
  const { value, done } = await lines.next()
  if (done) process.exit(0)
  return JSON.parse(value) as Heard
}

async function say(said: Said): Promise<readonly NameFailure[]> {
  process.stdout.write(`${JSON.stringify(said)}\n`)
  const heard = await hear()
  return 'failures' in heard ? heard.failures : []
}

/** An account that the server has lost is made anew, once. */
async function converse(wish: AcmeWish): Promise<AcmeOutcome> {
  try {
    return await order(wish)
  } catch (thrown) {
    const lost = thrown instanceof Problem && thrown.type.endsWith(':accountDoesNotExist')
    if (!lost || wish.account === undefined) throw thrown
    const { account: _, order: __, ...anew } = wish
    return order(anew)
  }
}

async function order(wish: AcmeWish): Promise<AcmeOutcome> {
  const client = new acme.Client({
    directoryUrl: wish.directory,
    accountKey: wish.accountKey,
    ...(wish.account === undefined ? {} : { accountUrl: wish.account }),
  })
  const { http } = client as unknown as {
    http: { maxBadNonceRetries: number; getMetaField: (name: string) => unknown }
  }
  http.maxBadNonceRetries = 20
  if (wish.account === undefined) {
    const contact = wish.email === undefined ? {} : { contact: [`mailto:${wish.email}`] }
    await client.createAccount({ termsOfServiceAgreed: true, ...contact }).catch((thrown) => {
      // One that was there already: the library goes on to change it, which not every server lets it do.
      if (!(thrown instanceof Problem) || !isMet(client)) throw thrown
    })
    const identities = await http.getMetaField.call(http, 'caaIdentities')
    const caaIdentities = Array.isArray(identities) ? identities.map((each) => plainText(String(each))) : []
    await say({ say: 'account', url: client.getAccountUrl(), caaIdentities })
  }
  const begun = (await findOrder(client, wish)) ?? (await newOrder(client, wish))
  return finish(client, begun, wish)
}

type Client = InstanceType<typeof acme.Client>

function isMet(client: Client): boolean {
  try {
    return client.getAccountUrl() !== ''
  } catch {
    return false
  }
}

/** One that can be gone on with. */
async function findOrder(client: Client, { order: url }: AcmeWish): Promise<Order | undefined> {
  if (url === undefined) return undefined
  try {
    const found = await client.getOrder({ url } as Order)
    return found.status === 'invalid' ? undefined : found
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status >= 400 && thrown.status < 500 && thrown.status !== 429)
      return undefined
    throw thrown
  }
}

async function newOrder(client: Client, { names }: AcmeWish): Promise<Order> {
  const made = await client.createOrder({ identifiers: names.map((value) => ({ type: 'dns', value })) })
  await say({ say: 'begun', order: made.url })
  return made
}

async function finish(client: Client, begun: Order, wish: AcmeWish): Promise<AcmeOutcome> {
  if (begun.status === 'pending') {
    const failures = await authorise(client, begun)
    if (failures.length > 0) return refused(failures[0]?.reason ?? '', failures)
  }
  let now = await patiently(
    () => client.getOrder(begun),
    ({ status }) => status !== 'pending',
  )
  if (now.status === 'ready') {
    await client.finalizeOrder(now, wish.request)
    now = await patiently(
      () => client.getOrder(begun),
      ({ status }) => status !== 'ready' && status !== 'processing',
    )
  }
  if (now.status === 'valid') return { end: 'issued', chain: await client.getCertificate(now) }
  const { error } = now as { error?: { detail?: string } }
  return refused(error?.detail ?? `the order is ${now.status}`)
}

async function authorise(client: Client, begun: Order): Promise<NameFailure[]> {
  const pending = (await client.getAuthorizations(begun)).filter(({ status }) => status !== 'valid')
  const asked = await Promise.all(pending.map(async (each) => ({ each, ...(await proofOf(client, each)) })))
  const unfit = asked.flatMap(({ failure }) => failure ?? [])
  if (unfit.length > 0) return unfit
  const unseen = await say({ say: 'prove', proofs: asked.flatMap(({ proof }) => proof ?? []) })
  if (unseen.length > 0) return [...unseen]
  for (const { challenge } of asked) if (challenge?.status === 'pending') await client.completeChallenge(challenge)
  const failures: NameFailure[] = []
  for (const { each, challenge } of asked) {
    const [end] = await patiently(
      () => client.getAuthorizations({ authorizations: [urlOf(each)] } as Order),
      ([now]) => now?.status !== 'pending',
    )
    if (end?.status !== 'valid') failures.push({ name: nameOf(each), reason: reasonOf(end, challenge?.type) })
  }
  return failures
}

const urlOf = (each: Authorization): string => (each as unknown as { url: string }).url
const nameOf = ({ identifier, wildcard }: Authorization): string =>
  wildcard ? `*.${identifier.value}` : identifier.value

async function proofOf(client: Client, each: Authorization) {
  const kind: Proof['kind'] = each.wildcard ? 'dns-01' : 'http-01'
  const challenge = each.challenges.find(({ type }) => type === kind)
  if (each.status !== 'pending' || !challenge)
    return { failure: { name: nameOf(each), reason: `the ACME server offers no ${kind} for it (${each.status})` } }
  const answer = await client.getChallengeKeyAuthorization(challenge)
  return { challenge, proof: { name: each.identifier.value, kind, token: challenge.token, answer } }
}

function reasonOf(end: Authorization | undefined, type: string | undefined): string {
  const challenge = end?.challenges.find((each) => each.type === type) as { error?: { detail?: string } } | undefined
  return plainText(challenge?.error?.detail ?? `the ACME server says ${end?.status ?? 'nothing'}`)
}

/** Half a second, then longer and longer, until it is over; the daemon's patience is the end. */
async function patiently<T>(look: () => Promise<T>, over: (found: T) => boolean): Promise<T> {
  for (let waitMs = 250; ; waitMs = Math.min(waitMs * 1.5, 10_000)) {
    const found = await look()
    if (over(found)) return found
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}

const refused = (reason: string, names: readonly NameFailure[] = []): AcmeOutcome => ({
  ...{ end: 'refused', reason: plainText(reason), later: false },
  names: names.map(({ name, reason: why }) => ({ name, reason: plainText(why) })),
})

function outcomeOf(problem: Problem): AcmeOutcome {
  const { status, type, message, subproblems, retryAfterMs } = problem
  const names = subproblems.map(({ name, detail }) => ({ name, reason: plainText(detail) }))
  return {
    ...{ end: 'refused', reason: message, names },
    later: status === 0 || status === 429 || status >= 500 || type.endsWith(':rateLimited'),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

const first = await hear()
if (!('wish' in first)) throw new Error('a wish comes first')
acme.axios.defaults.adapter = askWith(forbidding(first.wish.forbids ?? [])) as never
const outcome = await converse(first.wish).catch((thrown: unknown) => {
  if (thrown instanceof Problem) return outcomeOf(thrown)
  throw thrown
})
process.stdout.write(`${JSON.stringify({ say: 'outcome', outcome } satisfies Said)}\n`, () => process.exit(0))
