/** What every conversation with an ACME server must be. Run for the fake and, as root, for acme-client against pebble. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { requestOf } from '../../src/daemon/pki/openssl.ts'
import type { Acme, AcmeOutcome, AcmeSteps, AcmeWish, NameFailure, Proof } from '../../src/drivers/acme/driver.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'

export interface AcmeUnderTest {
  readonly acme: Acme
  readonly directory: string
  /** The server's side can see it from now on. */
  show(proof: Proof): Promise<void>
  /** A server that answers for these names, and remembers nothing from before. */
  begin(names: readonly string[]): Promise<void>
  end(): Promise<void>
  /** It answers nothing until `thaw`. */
  freeze(): void
  thaw(): void
}

export interface Talk {
  issue(names: readonly string[], more?: Partial<AcmeWish>, how?: Partial<AcmeSteps>): Promise<AcmeOutcome>
  /** By a key of its own. */
  requestFor(names: readonly string[]): Promise<string>
  /** What was told on the way, of the last one. */
  said(): readonly string[]
  /** The order that was begun in the last one. */
  order(): string
}

const run = createRunner()
const keyOf = () =>
  generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** One account's. */
export async function talkWith({
  acme,
  directory,
  show,
}: AcmeUnderTest): Promise<Talk & { readonly steps: AcmeSteps }> {
  const folder = await mkdtemp(join(tmpdir(), 'croft-acme-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const account: { readonly key: string; url?: string } = { key: keyOf() }
  let said: string[] = []
  const steps: AcmeSteps = {
    async account({ url }) {
      said.push('account')
      account.url = url
    },
    async begun(order) {
      said.push(`begun ${order}`)
    },
    async prove(proofs) {
      said.push(`prove ${proofs.map(({ name, kind }) => `${kind} ${name}`).sort()}`)
      for (const proof of proofs) await show(proof)
      return []
    },
  }
  const requestFor = (names: readonly string[]) => requestOf(run, join(folder, 'work'), { key: keyOf(), names })
  return {
    ...{ steps, requestFor },
    said: () => said,
    order: () => said.find((each) => each.startsWith('begun '))?.slice(6) ?? '',
    async issue(names, more = {}, how = {}) {
      said = []
      const request = more.request ?? (await requestFor(names))
      const wish: AcmeWish = {
        ...{ directory, accountKey: account.key, names, request },
        ...(account.url === undefined ? {} : { account: account.url }),
        ...more,
      }
      return acme.issue(wish, { ...steps, ...how }, AbortSignal.timeout(60_000))
    },
  }
}

export async function acmeContract(name: string, under: AcmeUnderTest): Promise<void> {
  const { issue, requestFor, steps, said, order } = await talkWith(under)

  test(`${name}: names that answer get a certificate; the account is made once`, async () => {
    await under.begin(['a.example', 'www.a.example', 'b.example'])
    const first = await issue(['a.example', 'www.a.example'])
    assert.equal(first.end, 'issued', JSON.stringify(first))
    const x509 = new X509Certificate(first.end === 'issued' ? first.chain : '')
    assert.ok(x509.checkHost('a.example') && x509.checkHost('www.a.example'))
    assert.deepEqual([said()[0], said()[2]], ['account', 'prove http-01 a.example,http-01 www.a.example'])
    const second = await issue(['a.example'])
    assert.equal(second.end, 'issued')
    assert.ok(!said().includes('account'))
  })

  test(`${name}: a wildcard is proven by DNS`, async () => {
    const outcome = await issue(['*.wild.example'])
    assert.equal(outcome.end, 'issued', JSON.stringify(outcome))
    assert.deepEqual(said().at(-1), 'prove dns-01 wild.example')
  })

  test(`${name}: a name that does not answer is named with the server’s reason, and so is one that could not be shown`, async () => {
    const refused = await issue(
      ['a.example', 'b.example'],
      {},
      {
        prove: async (proofs) => {
          for (const proof of proofs) if (proof.name !== 'b.example') await under.show(proof)
          return []
        },
      },
    )
    assert.ok(refused.end === 'refused' && !refused.later)
    assert.deepEqual(
      refused.names.map((each) => each.name),
      ['b.example'],
    )
    assert.match(refused.reason, /404|unauthorized|Invalid/i)
    const failures: NameFailure[] = [{ name: 'b.example', reason: 'not here' }]
    const unseen = await issue(['b.example'], {}, { prove: async () => failures })
    assert.deepEqual(unseen, { end: 'refused', reason: 'not here', later: false, names: failures })
  })

  test(`${name}: an order that was left anywhere is gone on with`, async () => {
    const request = await requestFor(['a.example'])
    const power = new Error('the power went')
    for (const place of ['begun', 'prove'] as const) {
      const cut = {
        [place]: async (given: never) => {
          await steps[place](given)
          throw power
        },
      }
      await assert.rejects(issue(['a.example'], { request }, cut), /power/)
      const begun = order()
      const outcome = await issue(['a.example'], { request, order: begun })
      assert.equal(outcome.end, 'issued', JSON.stringify(outcome))
      assert.equal(order(), '', 'no other order was made')
      const again = await issue(['a.example'], { request, order: begun })
      assert.deepEqual(again, outcome, 'what was issued and not kept can be had again')
    }
  })

  test(`${name}: a server that forgot the account, and the order, is met anew`, async () => {
    assert.equal((await issue(['a.example'])).end, 'issued')
    const begun = order()
    await under.begin(['a.example'])
    assert.equal((await issue(['a.example'], { order: begun })).end, 'issued')
    assert.equal(said()[0], 'account')
    assert.notEqual(order(), '', 'another order')
  })

  test(`${name}: it ends with the signal`, async () => {
    under.freeze()
    const wish = { directory: under.directory, accountKey: keyOf(), names: ['a.example'], request: '' }
    await assert.rejects(under.acme.issue(wish, steps, AbortSignal.timeout(1500)), { name: 'TimeoutError' })
    under.thaw()
  })

  test(`${name}: a server that is away is told as that, and nothing is wrong with the names`, async () => {
    await under.end()
    const away = await issue(['a.example'])
    assert.ok(away.end === 'refused' && away.later)
    assert.match(away.reason, /does not answer/)
    assert.deepEqual(away.names, [])
  })
}
