/** An ACME server in memory: whoever is proven to hold his names gets what `sign` makes of his request. */
import type { Acme, AcmeOutcome, AcmeSteps, AcmeWish, NameFailure, Proof } from '../driver.ts'

export interface FakeAcmeParts {
  /** From a request to a certificate and its chain, PEM. */
  readonly sign: (request: string) => Promise<string>
  /** Whether the server sees what is to be seen for a name. */
  readonly sees: (proof: Proof) => boolean
}

export interface FakeAcme extends Acme {
  /** It knows no account and no order any more. */
  forget(): void
  /** Nothing answers where it was. */
  away: boolean
  /** It answers nothing, and hangs up on nobody. */
  frozen: boolean
}

interface Order {
  readonly request: string
  chain?: string
}

export function createFakeAcme({ sign, sees }: FakeAcmeParts): FakeAcme {
  const accounts = new Map<string, string>()
  const orders = new Map<string, Order>()
  let made = 0

  async function accountOf({ accountKey, account }: AcmeWish, steps: AcmeSteps): Promise<void> {
    const url = accounts.get(accountKey) ?? `account/${++made}`
    accounts.set(accountKey, url)
    if (account !== url) await steps.account({ url, caaIdentities: [] })
  }

  async function orderOf({ order: url, request }: AcmeWish, steps: AcmeSteps): Promise<Order> {
    const known = url === undefined ? undefined : orders.get(url)
    if (known?.request === request) return known
    const order: Order = { request }
    const next = `order/${++made}`
    orders.set(next, order)
    await steps.begun(next)
    return order
  }

  async function prove(names: readonly string[], steps: AcmeSteps): Promise<readonly NameFailure[]> {
    const proofs = names.map(proofOf)
    const unshown = await steps.prove(proofs)
    if (unshown.length > 0) return unshown
    const unseen = proofs.filter((proof) => !sees(proof))
    return unseen.map(({ name }) => ({ name, reason: 'Invalid response: 404' }))
  }

  const fake: FakeAcme = {
    ...{ name: 'fake', away: false, frozen: false },
    forget() {
      accounts.clear()
      orders.clear()
    },
    async issue(wish, steps, signal): Promise<AcmeOutcome> {
      signal.throwIfAborted()
      if (fake.frozen) await ended(signal)
      if (fake.away) return { end: 'refused', reason: 'it does not answer', later: true, names: [] }
      await accountOf(wish, steps)
      const order = await orderOf(wish, steps)
      if (order.chain === undefined) {
        const names = await prove(wish.names, steps)
        const [first] = names
        if (first) return { end: 'refused', reason: first.reason, later: false, names }
        order.chain = await sign(wish.request)
      }
      signal.throwIfAborted()
      return { end: 'issued', chain: order.chain }
    },
  }
  return fake
}

const proofOf = (name: string): Proof => {
  const common = {
    name: name.replace(/^\*\./, ''),
    token: `token-of-${name.replace(/\W/g, '-')}`,
    answer: `answer ${name}`,
  }
  return { ...common, kind: name.startsWith('*.') ? 'dns-01' : 'http-01' }
}

const ended = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
