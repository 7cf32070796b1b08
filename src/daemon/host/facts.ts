/**
 * What this host can take, written for whoever places guests: when it changes so much that they would decide otherwise, at most each
 * ten seconds, and each minute. And a key under a lease, which is there as long as this daemon speaks with the store.
 */
import { isMaterial } from '../../plan/facts.ts'
import type { Lease } from '../../store/store.ts'
import { timestamp } from '../env.ts'
import { keys } from '../records/keys.ts'
import { type FactsRecord, readAll, schemaVersion, type TemplateStatus } from '../records/records.ts'
import type { HostParts } from './parts.ts'

const lookMs = 10_000
const atLeastMs = 60_000
/** So long after its last word a host counts as away. */
export const aliveMs = 15_000
const mostTemplates = 1000

export interface FactsKeeper {
  close(): Promise<void>
}

export function keepFacts(parts: HostParts): FactsKeeper {
  const { store, host, env, log } = parts
  const timers = new Set<Disposable>()
  let closed = false
  const working = new Set<Promise<void>>()
  let written: { readonly facts: FactsRecord; readonly at: number } | undefined
  let lease: Lease | undefined

  async function tell(): Promise<void> {
    const facts = await lookAt(parts)
    const now = env.monotonicMs()
    if (written && now - written.at < atLeastMs && !isMaterial(written.facts, facts)) return
    await store.transact([], [{ put: keys.facts(host.name), value: facts }])
    written = { facts, at: now }
  }

  async function live(): Promise<void> {
    try {
      if (lease) return await lease.keepAlive()
    } catch {
      lease = undefined
    }
    const next = await store.lease(aliveMs)
    const value = { schema: schemaVersion, since: timestamp(env) }
    await store.transact([], [{ put: keys.alive(host.name), value, lease: next.id }])
    lease = next
  }

  function each(ms: number, work: () => Promise<void>): void {
    if (closed) return
    const one = work()
      .catch((thrown) => log.warn({ error: String(thrown) }, 'this host could not tell about itself'))
      .then(() => {
        working.delete(one)
        if (closed) return
        const timer = env.later(ms, () => {
          timers.delete(timer)
          each(ms, work)
        })
        timers.add(timer)
      })
    working.add(one)
  }

  each(aliveMs / 3, live)
  each(lookMs, tell)
  return {
    async close() {
      closed = true
      for (const timer of timers) timer[Symbol.dispose]()
      await Promise.all(working)
      await lease?.revoke().catch(() => undefined)
    },
  }
}

async function lookAt({ env, host, store, pools, machine, network, vlans }: HostParts): Promise<FactsRecord> {
  const statuses = await readAll<TemplateStatus>(store, keys.templateStatuses(host.name))
  const ready = statuses.filter(({ value }) => value.state === 'ready')
  const states = await Promise.all(pools.names.map(async (name) => ({ name, ...(await pools.state(name)) })))
  const there = states.flatMap(({ name, totalBytes, freeBytes }) =>
    totalBytes === null || freeBytes === null ? [] : [[name, { totalBytes, freeBytes }] as const],
  )
  return {
    ...{ schema: schemaVersion, at: timestamp(env), ...machine() },
    pools: Object.fromEntries(there),
    templates: ready.map(({ key }) => key.slice(keys.templateStatuses(host.name).length)).slice(0, mostTemplates),
    around: await network.surroundings(),
    ...(await vlans.sight()),
  }
}
