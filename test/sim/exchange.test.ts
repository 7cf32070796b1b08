/** Three hosts go over to another CA, with real keys and certificates: killed anywhere they end it, and never shut each other out. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { CroftError, isCode } from '../../src/api/errors.ts'
import { systemEnv as env } from '../../src/daemon/env.ts'
import { assertMayExchange, endExchange, makeExchange } from '../../src/daemon/exchange/begin.ts'
import { findExchange } from '../../src/daemon/exchange/records.ts'
import { stepExchange } from '../../src/daemon/exchange/step.ts'
import { createOutside, type Outside } from '../../src/daemon/http/outside.ts'
import { openAuthority } from '../../src/daemon/pki/authority.ts'
import { isFormerStoreCa, makeFormerStoreCa } from '../../src/daemon/pki/former-store-ca.ts'
import { beginStoreCas, getStoreCas, storeCasFile } from '../../src/daemon/pki/store-cas.ts'
import { refreshStorePair, type StorePair } from '../../src/daemon/pki/store-pair.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import type { HostRecord } from '../../src/daemon/records/records.ts'
import { enterVersions } from '../../src/daemon/records/versions.ts'
import { releaseFrom } from '../../src/daemon/release.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'

const run = createRunner()
const log = { info() {}, warn() {}, error() {} }
const root = await mkdtemp(join(tmpdir(), 'croft-exchange-'))
after(() => rm(root, { recursive: true, force: true }))
let farms = 0
/** Certificates begin at whole seconds: what is made so is older than what is made later. */
const earlier = { ...env, now: () => env.now() - 60_000 }

/** A daemon's part of it; what lies on the disk outlives it. */
interface Sim {
  readonly name: string
  readonly folder: string
  outside: Outside
  /** What its connections show and trust; the member trusts what it was started with. */
  tls: StorePair['tls']
  member: string
  away?: boolean
}

class Exchanging {
  readonly store = createMemoryStore({ now: () => env.monotonicMs(), id: 'exchange' })
  readonly hosts: Sim[] = []
  readonly folder: string
  /** Where the next one dies. */
  failpoint: string | undefined

  private constructor(folder: string) {
    this.folder = folder
  }

  static open(...names: string[]): Promise<Exchanging> {
    return Exchanging.begun(names, async (folder, first) => {
      if (first) for (const file of ['ca.pem', 'store-cas.pem']) await copyFile(join(first, file), join(folder, file))
      else await beginStoreCas({ env: earlier, run, folder })
    })
  }

  /** By a croft that knew no store-cas.pem: each host has made a certificate of its own for the store's CA. */
  static openFormer(...names: string[]): Promise<Exchanging> {
    return Exchanging.begun(names, async (folder, first) => {
      const wanted = { env: earlier, run, folder }
      if (first) await copyFile(join(first, 'ca.pem'), join(folder, 'ca.pem'))
      else await openAuthority({ ...wanted, farm: 'meadow', host: 'ash', names: () => [] })
      const { pem } = await makeFormerStoreCa(wanted, await readFile(join(folder, 'ca.pem'), 'utf8'))
      await writeFile(join(folder, 'store-ca.pem'), pem)
    })
  }

  private static async begun(
    names: readonly string[],
    prepare: (folder: string, first: string | undefined) => Promise<void>,
  ): Promise<Exchanging> {
    const farm = new Exchanging(join(root, String(farms++)))
    for (const [at, name] of names.entries()) {
      const folder = join(farm.folder, name)
      await mkdir(folder, { recursive: true })
      await prepare(folder, farm.hosts[0]?.folder)
      const host: HostRecord = { schema: 1, name, number: at + 1, uidBase: 1 }
      await farm.store.transact([], [{ put: keys.host(name), value: host }])
      await enterVersions(farm.store, name, releaseFrom({}))
      farm.hosts.push(await farm.boot(name, folder))
    }
    return farm
  }

  private async boot(name: string, folder: string): Promise<Sim> {
    const outside = createOutside({ env, run, log, folder, store: () => this.store }, () => undefined)
    await outside.begin({ name: 'meadow' }, { name })
    const { tls } = await refreshStorePair({ env, run, folder, host: name }, [])
    return { name, folder, outside, tls, member: tls.ca }
  }

  async reboot(host: Sim): Promise<void> {
    await host.outside.close()
    Object.assign(host, await this.boot(host.name, host.folder))
  }

  private readonly failpointFor = (name: string) => {
    if (name !== this.failpoint) return
    this.failpoint = undefined
    throw new Error(`killed at ${name}`)
  }

  parts(host: Sim) {
    const peers = {
      request: async (name: string) => {
        const other = this.hosts.find((each) => each.name === name)
        if (!other || other.away) throw new CroftError('HOST_UNREACHABLE', `host ${name} does not answer`)
        return { status: 200, headers: {}, body: Readable.from([JSON.stringify(await other.outside.cas())]) }
      },
    }
    const others = {
      own: host.name,
      hosts: () => this.hosts.map(({ name }) => ({ schema: 1, name, number: 1, uidBase: 1 })),
      isAlive: (name: string) => !this.hosts.find((each) => each.name === name)?.away,
    }
    const renew = async () => {
      host.tls = (await refreshStorePair({ env, run, folder: host.folder, host: host.name }, [])).tls
      host.member = host.tls.ca
    }
    const { store } = this
    return {
      ...{ env, run, log, store, host: host.name, folder: host.folder, outside: host.outside },
      ...{ peers, others, renew, failpoint: this.failpointFor },
    }
  }

  async begin(host: Sim): Promise<void> {
    await assertMayExchange(this.parts(host))
    const { compare, writes } = await makeExchange(this.parts(host))
    await this.store.transact(compare, writes)
  }

  async finish(): Promise<void> {
    const written = await endExchange(this.parts(this.hosts[0] as Sim))
    assert.ok(written)
    await this.store.transact(written.compare, written.writes)
  }

  /** Until nobody has anything to do; a daemon that dies comes back. */
  async walk(): Promise<void> {
    for (let rounds = 0; rounds < 40; rounds++) {
      let busy = false
      for (const host of this.hosts.filter(({ away }) => !away)) {
        busy =
          (await stepExchange(this.parts(host)).catch(async (thrown) => {
            if (!/killed at/.test(String(thrown))) throw thrown
            await this.reboot(host)
            return true
          })) || busy
        this.assertTogether()
      }
      if (!busy) return
    }
  }

  /** Each believes each: as hosts, and as clients and members of the store. */
  assertTogether(): void {
    for (const one of this.hosts)
      for (const other of this.hosts) {
        assert.ok(trusts(other.member, one.tls.cert), `${other.name}’s member does not believe ${one.name}`)
        assert.ok(trusts(one.tls.ca, other.tls.cert), `${one.name} does not believe ${other.name}’s member`)
        const [shown, cas] = [one.outside.material().cert, other.outside.material().ca]
        assert.ok(leads(shown, cas), `${other.name} does not believe host ${one.name}`)
      }
  }

  async state(): Promise<string[]> {
    return Promise.all(
      this.hosts.map(async ({ outside, folder }) => {
        const { fingerprint, former } = outside.door()
        return [fingerprint, former, ...(await getStoreCas(folder)).map(({ x509 }) => x509.fingerprint256)].join()
      }),
    )
  }
}

const certificates = (text: string) =>
  (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  )
const trusts = (cas: string, cert: string): boolean => {
  const [shown] = certificates(cert)
  return certificates(cas).some((ca) => shown?.verify(ca.publicKey))
}
/** Also by the word of one CA for another. */
function leads(shown: string, cas: string): boolean {
  const [own, ...between] = certificates(shown)
  const roots = certificates(cas)
  return [own, ...between.filter(({ ca }) => ca)].some(
    (each, at) =>
      each !== undefined &&
      roots.some((ca) => each.verify(ca.publicKey)) &&
      (at === 0 || own?.verify(each.publicKey) === true),
  )
}

test('all go over, and at the end what the former CAs signed opens nothing', async () => {
  const farm = await Exchanging.open('ash', 'birch', 'cedar')
  const [ash, birch] = farm.hosts as [Sim, Sim]
  const before = { tls: ash.tls, cert: ash.outside.material().cert, state: await farm.state() }
  await farm.begin(birch)
  assert.ok(!JSON.stringify((await farm.store.get(keys.exchange)).entry).includes('PRIVATE'))
  await assert.rejects(farm.finish(), (thrown) => isCode(thrown, 'BUSY'))
  await assert.rejects(farm.begin(ash), (thrown) => isCode(thrown, 'BUSY'))
  await farm.walk()
  assert.equal((await findExchange(farm.store))?.held.value.phase, 'settled')
  assert.ok(trusts(birch.member, before.tls.cert), 'until it is ended')
  await farm.finish()
  await farm.walk()
  assert.equal(await findExchange(farm.store), undefined)
  const now = await farm.state()
  assert.equal(new Set(now).size, 1, 'all alike')
  assert.notEqual(now[0], before.state[0])
  for (const { member, outside } of farm.hosts) {
    assert.ok(!trusts(member, before.tls.cert))
    assert.ok(!leads(before.cert, outside.material().ca))
  }
})

test('a store that an older croft has begun is gone on with as it is, and goes over as well', async () => {
  const farm = await Exchanging.openFormer('ash', 'birch', 'cedar')
  const [ash] = farm.hosts as [Sim]
  farm.assertTogether()
  for (const { folder, tls } of farm.hosts) {
    const [ca, ...more] = await getStoreCas(folder)
    assert.ok(ca && more.length === 0 && (await isFormerStoreCa(folder, ca)))
    assert.equal(await readFile(join(folder, 'store-ca.pem'), 'utf8'), tls.ca, 'its member is not started anew')
  }
  assert.equal(new Set(await farm.state()).size, 3, 'each has its own certificate of it')
  await farm.begin(ash)
  await farm.walk()
  await farm.finish()
  await farm.walk()
  const now = await farm.state()
  assert.equal(new Set(now).size, 1, 'all alike')
  const [ca] = await getStoreCas(ash.folder)
  assert.ok(ca && !(await isFormerStoreCa(ash.folder, ca)), 'from then on it follows from nothing')
})

test('without what the store goes by nothing else is taken for it', async () => {
  const farm = await Exchanging.open('ash')
  const { folder } = farm.hosts[0] as Sim
  await rm(storeCasFile(folder))
  await assert.rejects(refreshStorePair({ env, run, folder, host: 'ash' }, []), (thrown) => isCode(thrown, 'DATA_LOST'))
})

for (const failpoint of [
  'exchange-made.after',
  'exchange-beside.after',
  'exchange-shown.after',
  'exchange-alone.after',
])
  test(`killed at ${failpoint} it is gone on with`, async () => {
    const farm = await Exchanging.open('ash', 'birch')
    const [ash] = farm.hosts as [Sim]
    farm.failpoint = failpoint
    await farm.begin(ash).catch(async () => {
      await farm.reboot(ash)
      farm.assertTogether()
      await farm.begin(ash)
    })
    await farm.walk()
    await farm.finish()
    await farm.walk()
    assert.equal(await findExchange(farm.store), undefined)
    assert.equal(farm.failpoint, undefined, 'it was come by')
    assert.equal(new Set(await farm.state()).size, 1)
  })

test('a host that goes away meanwhile is waited for, whoever else goes; one that is declared dead is not', async () => {
  const farm = await Exchanging.open('ash', 'birch', 'cedar')
  const [ash, birch, cedar] = farm.hosts as [Sim, Sim, Sim]
  cedar.away = true
  await assert.rejects(farm.begin(ash), /host cedar is away: it would be shut out/)
  cedar.away = false
  await farm.begin(ash)
  cedar.away = true
  await farm.walk()
  assert.equal((await findExchange(farm.store))?.held.value.phase, 'beside')
  // It comes back while the one that made it is away: another gives it.
  Object.assign(cedar, { away: false })
  ash.away = true
  await stepExchange(farm.parts(cedar))
  ash.away = false
  await farm.walk()
  assert.equal((await findExchange(farm.store))?.held.value.phase, 'settled')
  birch.away = true
  const dead: HostRecord = { schema: 1, name: 'birch', number: 2, uidBase: 1, dead: new Date().toISOString() }
  await farm.store.transact([], [{ put: keys.host('birch'), value: dead }])
  farm.hosts.splice(1, 1)
  await farm.finish()
  await farm.walk()
  assert.equal(await findExchange(farm.store), undefined)
})

test('a store that was restored has forgotten it: it is gone on with, to the new ones', async () => {
  const farm = await Exchanging.open('ash', 'birch')
  const [ash, birch] = farm.hosts as [Sim, Sim]
  const before = ash.tls
  await farm.begin(birch)
  await farm.walk()
  await farm.store.transact([], [{ delete: keys.exchange }])
  await assert.rejects(farm.finish(), /trusts two CAs, and the store knows nothing of it/)
  await farm.begin(ash)
  await farm.walk()
  await farm.finish()
  await farm.walk()
  assert.equal(new Set(await farm.state()).size, 1)
  for (const { member } of farm.hosts) assert.ok(!trusts(member, before.cert), 'the former one is gone')
})

test('no CA is taken that the present one does not vouch for, and no older croft is left behind', async () => {
  const [farm, stranger] = [await Exchanging.open('ash', 'birch'), await Exchanging.open('ash')]
  const [ash] = farm.hosts as [Sim]
  const { ca } = await (stranger.hosts[0] as Sim).outside.cas()
  await assert.rejects(ash.outside.adopt(ca), (thrown) => isCode(thrown, 'REFUSED'))
  await assert.rejects(ash.outside.adopt('nonsense'))
  await enterVersions(farm.store, 'birch', releaseFrom({ CROFT_PRETEND: '0.0.9:carry' }))
  const before = await farm.state()
  await assert.rejects(farm.begin(ash), (thrown) => isCode(thrown, 'HOST_TOO_OLD'))
  assert.deepEqual(await farm.state(), before)
  await rm(storeCasFile(ash.folder))
  await assert.rejects(getStoreCas(ash.folder), (thrown) => isCode(thrown, 'DATA_LOST'))
})
