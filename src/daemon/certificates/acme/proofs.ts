/** What shows an ACME server that a name is ours: an answer that every edge gives, or a DNS record that a hook sets. */
import { access, constants } from 'node:fs/promises'
import { request } from 'node:http'
import type { NameFailure, Proof } from '../../../drivers/acme/driver.ts'
import type { Runner } from '../../../drivers/exec/command.ts'
import type { Store, Write } from '../../../store/store.ts'
import { type Env, timestamp } from '../../env.ts'
import type { Log } from '../../host/parts.ts'
import { keys } from '../../records/keys.ts'
import { readAll } from '../../records/records.ts'
import type { TokenRecord } from './records.ts'

export interface ProofParts {
  readonly env: Env
  readonly store: Store
  readonly log: Log
  readonly run: Runner
  /** Executable: `HOOK set|clear _acme-challenge.example.org VALUE`. It returns when the record is there. */
  readonly hook: string
  /** What answers at `http://ADDRESS/…` for that name. */
  readonly ask?: Ask
}

export interface Proofs {
  canWildcards(): Promise<boolean>
  /** Returns when they can be seen at these addresses; says which cannot. */
  show(proofs: readonly Proof[], addresses: ReadonlyMap<string, readonly string[]>): Promise<readonly NameFailure[]>
  withdraw(tokens: readonly string[]): Promise<void>
  /** What a killed daemon left. */
  sweep(): Promise<void>
}

export type Ask = (address: string, name: string, path: string) => Promise<string | undefined>

const seenWithinMs = 15_000
const hookMs = 120_000
const keptMs = 3600_000

export function createProofs(parts: ProofParts): Proofs {
  const { env, store, log, run, hook, ask = askEdge } = parts

  async function put(proofs: readonly Proof[]): Promise<void> {
    const writes = proofs.map(({ token, answer, kind, name }): Write => {
      const dns = kind === 'dns-01' ? { dns: `_acme-challenge.${name}` } : {}
      return { put: keys.acmeToken(token), value: { token, answer, at: timestamp(env), ...dns } satisfies TokenRecord }
    })
    if (writes.length > 0) await store.transact([], writes)
  }

  async function setRecord({ name, answer }: Proof): Promise<NameFailure[]> {
    const failure = await runHook('set', `_acme-challenge.${name}`, answer)
    return failure === undefined ? [] : [{ name: `*.${name}`, reason: failure }]
  }

  async function runHook(what: 'set' | 'clear', name: string, value: string): Promise<string | undefined> {
    try {
      await run.run({ file: hook, args: [what, name, value], timeoutMs: hookMs })
      return undefined
    } catch (thrown) {
      const text = String((thrown as Error).message).replace(/[\p{C}\s]+/gu, ' ')
      return text.slice(0, 300)
    }
  }

  async function remove(records: readonly TokenRecord[]): Promise<void> {
    for (const { dns, answer } of records) {
      const failure = dns === undefined ? undefined : await runHook('clear', dns, answer)
      if (failure !== undefined) log.warn({ name: dns, error: failure }, 'a DNS record for an ACME server is left')
    }
    const writes = records.map(({ token }) => ({ delete: keys.acmeToken(token) }))
    if (writes.length > 0) await store.transact([], writes)
  }

  const all = async () => (await readAll<TokenRecord>(store, keys.acmeTokens)).map(({ value }) => value)

  return {
    canWildcards: () =>
      access(hook, constants.X_OK).then(
        () => true,
        () => false,
      ),

    async show(proofs, addresses) {
      const odd = proofs.filter((proof) => !isSound(proof))
      if (odd.length > 0) return odd.map(({ name }) => ({ name, reason: 'the ACME server asks for an odd token' }))
      await put(proofs)
      const failures: NameFailure[] = []
      for (const proof of proofs.filter(({ kind }) => kind === 'dns-01')) failures.push(...(await setRecord(proof)))
      const seen = proofs
        .filter(({ kind }) => kind === 'http-01')
        .map((proof) => see(proof, addresses.get(proof.name) ?? []))
      return [...failures, ...(await Promise.all(seen)).flat()]
    },

    async withdraw(tokens) {
      const wanted = new Set(tokens)
      await remove((await all()).filter(({ token }) => wanted.has(token)))
    },

    async sweep() {
      const before = env.now() - keptMs
      await remove((await all()).filter(({ at }) => !(Date.parse(at) > before)))
    },
  }

  /** At each address of the name, as the ACME server will. Where this host cannot get to, it cannot judge. */
  async function see({ name, token, answer }: Proof, addresses: readonly string[]): Promise<NameFailure[]> {
    const path = `/.well-known/acme-challenge/${token}`
    const until = env.monotonicMs() + seenWithinMs
    for (const address of addresses) {
      let said = await ask(address, name, path)
      while (said !== undefined && said !== answer && env.monotonicMs() < until) {
        await new Promise<void>((resolve) => void env.later(100, resolve))
        said = await ask(address, name, path)
      }
      const reason = `http://${name} at ${address} does not answer as this edge: does something else hear there?`
      if (said !== undefined && said !== answer) return [{ name, reason }]
    }
    return []
  }
}

/** They become a key, a path, and words in a file of the edge. */
const isSound = ({ token, answer }: Proof): boolean =>
  /^[A-Za-z0-9_-]{16,200}$/.test(token) && /^[A-Za-z0-9_.-]{16,300}$/.test(answer)

const longestAnswer = 2000
/** Undefined: nothing can be reached there. */
const askEdge: Ask = (address, name, path) =>
  new Promise((resolve) => {
    const asked = request(
      { host: address, port: 80, path, headers: { host: name }, timeout: 3000, agent: false },
      (reply) => {
        let text = ''
        reply.setEncoding('utf8').on('data', (chunk: string) => {
          text = (text + chunk).slice(0, longestAnswer)
        })
        reply.once('end', () => resolve(reply.statusCode === 200 ? text.trim() : ''))
        reply.once('error', () => resolve(''))
      },
    )
    asked.once('timeout', () => asked.destroy())
    asked.once('error', () => resolve(undefined))
    asked.end()
  })
