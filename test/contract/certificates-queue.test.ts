/** Many names at once, an ACME server in trouble, and time that passes as told. The server is a fake; keys and certificates are real. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCertificates } from '../../src/daemon/certificates/certificates.ts'
import { type Env, systemEnv } from '../../src/daemon/env.ts'
import { issue } from '../../src/daemon/pki/openssl.ts'
import { lazySeal } from '../../src/daemon/pki/seal.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import type { Acme, AcmeOutcome, AcmeWish } from '../../src/drivers/acme/driver.ts'
import type { Runner } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { validityFrom } from '../../src/plan/certificates.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'

const day = 24 * 3600 * 1000
const minute = 60_000
const hour = 60 * minute
const folder = await mkdtemp(join(tmpdir(), 'croft-queue-'))
after(() => rm(folder, { recursive: true, force: true }))
const run = createRunner()
const ca = await issue(run, join(folder, 'work'), {
  ...{ kind: 'ca', subject: 'fake', names: [] },
  ...validityFrom(Date.now(), 400 * day),
})
await writeFile(join(folder, 'ca.pem'), ca.key + ca.certificate)

function createScene() {
  const timers = new Set<{ at: number; work: () => void }>()
  const scene = {
    /** Behind the server's, as clocks are. */
    now: Date.now() - 60_000,
    busy: 0,
    work: 0,
    most: 0,
    asked: [] as { readonly at: number; readonly names: readonly string[] }[],
    outcome: (_: AcmeWish): AcmeOutcome | undefined => undefined,
    elsewhere: new Set<string>(),
  }
  const env: Env = {
    ...systemEnv,
    now: () => scene.now,
    monotonicMs: () => scene.now,
    later(ms, work) {
      const timer = { at: scene.now + ms, work }
      timers.add(timer)
      return { [Symbol.dispose]: () => timers.delete(timer) }
    },
  }
  const acme: Acme = {
    name: 'fake',
    async issue(wish, steps) {
      scene.busy += 1
      scene.most = Math.max(scene.most, scene.busy)
      scene.asked.push({ at: scene.now, names: wish.names })
      try {
        const said = scene.outcome(wish)
        if (said) return said
        if (wish.account === undefined) await steps.account({ url: 'account', caaIdentities: [] })
        if (wish.order === undefined) await steps.begun(`order-${scene.asked.length}`)
        return { end: 'issued', chain: await sign(wish.request) }
      } finally {
        scene.busy -= 1
      }
    },
  }
  const counted = async <T>(work: () => Promise<T>): Promise<T> => {
    scene.work += 1
    return work().finally(() => {
      scene.work -= 1
    })
  }
  const countedRun: Runner = { run: (...words) => counted(() => run.run(...words)), outcome: run.outcome }
  const store = createMemoryStore({ now: () => scene.now, id: 'x' })
  const quiet = () => undefined
  const start = () =>
    createCertificates({
      ...{
        env,
        store,
        run: countedRun,
        acme,
        folder: join(folder, 'pki'),
        seal: lazySeal(join(folder, 'pki')),
        failpoint: quiet,
        addresses: () => [],
        dnsHook: '/none',
      },
      log: { info: quiet, warn: quiet, error: quiet },
      ca: { fingerprint: () => null, issueEdge: () => Promise.reject(new Error('only ACME here')) },
      lookup: async (names) => ({
        addresses: new Map(),
        verdicts: names.map((name) => ({
          ...{ name, certain: true },
          ...(scene.elsewhere.has(name) ? { reason: 'it points elsewhere' } : {}),
        })),
      }),
    })
  /** Time goes on when nothing is under way. */
  async function pass(ms: number): Promise<void> {
    const end = scene.now + ms
    while (scene.now < end) {
      const least = () => (timers.size === 0 ? 25 : 5)
      for (let rest = 0; rest < least(); rest = scene.busy + scene.work === 0 ? rest + 1 : 0) await sleep(4)
      const next = [...timers].sort((one, two) => one.at - two.at)[0]
      scene.now = Math.max(scene.now, Math.min(next?.at ?? end, end))
      for (const timer of [...timers]) if (timer.at <= scene.now && timers.delete(timer)) timer.work()
    }
  }
  const agree = store.transact([], [{ put: keys.farm, value: { name: 'meadow', edge: { acmeAgreed: true } } }])
  const issued = () => scene.asked.length
  return { scene, store, start, pass, agree, issued, timers }
}

/** While time stands. */
async function comes(met: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 60_000
  while (!(await met())) {
    assert.ok(performance.now() < until, 'it did not come')
    await sleep(10)
  }
}

let signed = 0
async function sign(request: string): Promise<string> {
  const name = join(folder, `request-${signed++}`)
  await writeFile(name, request)
  const words = ['x509', '-req', '-in', name, '-CA', join(folder, 'ca.pem'), '-CAkey', join(folder, 'ca.pem')]
  return run.run({ file: 'openssl', args: [...words, '-copy_extensions', 'copyall', '-days', '90'], timeoutMs: 20_000 })
}

const many = Array.from({ length: 150 }, (_, at) => [`n${at}.example.org`])

test('150 names at once: two orders at a time, each name once, those that point elsewhere never', {
  timeout: 90_000,
}, async () => {
  const { scene, start, pass, agree, store } = createScene()
  await agree
  for (const at of [0, 50, 100]) scene.elsewhere.add(`n${at}.example.org`)
  const certificates = start()
  await certificates.certificatesFor(many)
  const kept = async () => (await store.list('certificates/acme/')).entries.length
  await comes(async () => (await kept()) === 147)
  await pass(2 * minute)
  assert.equal(await kept(), 147)
  assert.ok(scene.most <= 2, `${scene.most} at once`)
  assert.equal(scene.asked.length, 147)
  const views = await certificates.views()
  assert.equal(views.filter(({ kind }) => kind === 'acme').length, 147)
  await certificates.close()
})

test('what guests are given is ordered for itself, once, though the route’s certificate bears the name', async () => {
  const { scene, start, pass, agree, store } = createScene()
  await agree
  const certificates = start()
  const serve = () => certificates.certificatesFor([['a.org', 'b.org']], ['b.org'])
  await serve()
  await comes(async () => (await store.list('certificates/acme/')).entries.length === 2)
  await pass(4 * hour)
  assert.deepEqual(scene.asked.map(({ names }) => names.join(' ')).toSorted(), ['a.org b.org', 'b.org'])
  const served = await serve()
  assert.deepEqual(
    served.map(({ name, names, lent }) => [name, names.join(' '), lent]),
    [
      ['acme-a.org', 'a.org b.org', false],
      ['acme-guest_b.org', 'b.org', true],
    ],
  )
  const views = await certificates.views()
  assert.deepEqual(
    views.map(({ name, names, kind, state }) => [name, names.join(' '), kind, state]),
    [
      ['a.org', 'a.org b.org', 'acme', 'valid'],
      ['guest_b.org', 'b.org', 'acme', 'valid'],
    ],
  )
  await certificates.close()
})

test('a server in trouble is held off for all, not asked by each; then all goes on, with the orders that were begun', async () => {
  const { scene, start, pass, agree, store } = createScene()
  await agree
  scene.outcome = () => ({ end: 'refused', reason: 'busy', names: [], later: true })
  const certificates = start()
  await certificates.certificatesFor(many.slice(0, 12))
  await pass(hour)
  assert.ok(scene.asked.length < 20, `${scene.asked.length} requests in an hour`)
  scene.outcome = () => undefined
  await pass(13 * hour)
  assert.equal((await store.list('certificates/acme/')).entries.length, 12)
  await certificates.close()
})

test('a limit that the server names is kept, over a restart too', async () => {
  const { scene, start, pass, agree } = createScene()
  await agree
  scene.outcome = () => ({ end: 'refused', reason: 'too many', names: [], later: true, retryAfterMs: 5 * hour })
  const first = start()
  await first.certificatesFor([['a.org']])
  await pass(hour)
  assert.equal(scene.asked.length, 1)
  await first.close()
  const second = start()
  await second.certificatesFor([['a.org']])
  await pass(3.9 * hour)
  assert.equal(scene.asked.length, 1)
  await pass(0.3 * hour)
  assert.equal(scene.asked.length, 2)
  await second.close()
})

test('a name that the server refuses does not keep the others from their certificate, and waits longer and longer', async () => {
  const { scene, start, pass, agree } = createScene()
  await agree
  scene.outcome = ({ names }) =>
    names.includes('bad.org')
      ? { end: 'refused', reason: '404', names: [{ name: 'bad.org', reason: '404' }], later: false }
      : undefined
  const certificates = start()
  await certificates.certificatesFor([['a.org', 'bad.org', 'c.org']])
  await comes(async () => scene.asked.length === 2)
  assert.deepEqual(
    scene.asked.map(({ names }) => names),
    [
      ['a.org', 'bad.org', 'c.org'],
      ['a.org', 'c.org'],
    ],
  )
  await pass(day)
  const tries = scene.asked.filter(({ names }) => names.includes('bad.org'))
  assert.ok(tries.length > 5 && tries.length < 13, `${tries.length}`)
  const [view] = await certificates.views()
  assert.deepEqual([view?.kind, view?.without?.map(({ reason }) => reason)], ['acme', ['404']])
  await certificates.close()
})

test('what the server gives is looked at before it serves', async () => {
  const { scene, start, pass, agree, store } = createScene()
  await agree
  const chains = ['no certificate', ca.certificate]
  const certificates = start()
  for (const chain of chains) {
    scene.outcome = () => ({ end: 'issued', chain })
    await certificates.certificatesFor([['a.org']])
    await pass(hour)
    assert.equal((await store.list('certificates/')).entries.length, 0)
    assert.equal((await store.list('acme/sets/')).entries.length, 1)
  }
  const { entries } = await store.list('acme/sets/')
  assert.match(JSON.stringify(entries[0]?.value), /gave (something that is no certificate|a certificate without)/)
  await certificates.close()
})
