/** Looks after the members of the farm's etcd: each host after its own, who leads the farm after all. */
import { CroftError, isCode, toCroftError } from '../../api/errors.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import { type Cluster, openCluster } from '../../store/etcd/cluster.ts'
import { EtcdStore } from '../../store/etcd/store.ts'
import type { Store } from '../../store/store.ts'
import type { Env } from '../env.ts'
import { assertMayExchange, endExchange, makeExchange, type Written } from '../exchange/begin.ts'
import { stepExchange } from '../exchange/step.ts'
import type { Leader } from '../farm/leader.ts'
import type { Failpoint } from '../host/failpoint.ts'
import type { Log } from '../host/parts.ts'
import { type Outside, ownAddresses } from '../http/outside.ts'
import { openMirror } from '../peers/mirror.ts'
import type { Others } from '../peers/others.ts'
import { folderOf } from '../pki/authority.ts'
import { refreshStorePair } from '../pki/store-pair.ts'
import { keys } from '../records/keys.ts'
import type { FarmRecord } from '../records/records.ts'
import type { Settings } from '../settings.ts'
import type { GatedStore } from '../store-move/gate.ts'
import type { RenewedStore } from '../store-move/open-etcd.ts'
import { findMarker, writeMarker } from '../store-move/place.ts'
import { defragmentMembers, leadMembers } from './lead.ts'
import { tendOwnMember } from './own.ts'
import { ownMember } from './places.ts'
import { listSnapshots, snapshotsFolderOf, takeSnapshot } from './snapshots.ts'

export interface MembersParts {
  readonly env: Env
  readonly run: Runner
  readonly log: Log
  readonly settings: Pick<Settings, 'stateDir'>
  readonly store: Store
  readonly leader: Leader
  readonly host: string
  readonly farm: FarmRecord
  readonly others: Others
  readonly outside: Outside
  readonly failpoint: Failpoint
}

export interface Members {
  /** To another CA: of the farm, and of its store. */
  readonly exchange: {
    assertMay(): Promise<void>
    make(): Promise<Written>
    end(): Promise<Written | undefined>
  }
  close(): Promise<void>
}

const everyMs = 5000
const soonMs = 1000
const snapshotEveryMs = 6 * 3600_000
const defragmentEveryMs = 3600_000

export async function keepMembers(parts: MembersParts): Promise<Members> {
  const { env, run, log, settings, store, leader, host, farm, outside, others, failpoint } = parts
  const caFolder = folderOf(settings.stateDir)
  const pair = () => refreshStorePair({ env, run, folder: caFolder, host }, ownAddresses())
  const exchange = { env, run, log, store, host, folder: caFolder, outside, others, failpoint }
  let exchanges = false
  let changes = false
  let { tls } = await pair()
  const member = ownMember(run, settings)
  const folder = snapshotsFolderOf(settings.stateDir)
  let known: readonly string[] = []
  let cluster: Cluster | undefined
  let defragmentedAt = env.monotonicMs()
  let timer: Disposable | undefined
  let busy: Promise<void> = Promise.resolve()
  let closed = false
  const told = new Map<string, string>()

  /** What goes wrong is told once, and tried again. */
  async function part(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      if (!closed) await work()
      told.delete(what)
    } catch (thrown) {
      const { message } = toCroftError(thrown)
      if (told.get(what) !== message && !isCode(thrown, 'CANCELLED')) log.warn({ error: message }, what)
      told.set(what, message)
    }
  }

  async function look(): Promise<void> {
    changes = false
    await part('the certificate of the store cannot be made', async () => ({ tls } = await pair()))
    await part('the CA is not exchanged', async () => {
      exchanges = await stepExchange({ ...exchange, peers: others.peers, renew })
    })
    const own = { store, member, log, host, farm: farm.id, files: async () => (await pair()).files }
    await part('this host’s member of the store', () => tendOwnMember(own))
    await part('members of the store cannot be told', learn)
    const asked = cluster
    if (!asked) return
    if (leader.host() === host) {
      await part('members of the store', async () => {
        if (await leadMembers({ store: leader.store, cluster: asked, log })) changes = true
      })
      await part('members of the store cannot be made smaller', () => makeRoom(asked))
    }
    await part('no snapshot of the store', () => copy(asked))
  }

  /** After the CAs have changed. */
  async function renew(): Promise<void> {
    tls = (await pair()).tls
    const { inner = store } = store as Partial<GatedStore>
    await (inner as Partial<RenewedStore>).renew?.()
    if ((await member.resume()) === 'waits')
      throw new CroftError('BUSY', 'this host’s member of the store does not answer yet', { hint: 'croft farm store' })
  }

  /** Who votes; where this host’s own is, it is asked first. */
  async function learn(): Promise<void> {
    const marker = await findMarker(settings.stateDir)
    if (!marker) return
    cluster ??= openCluster({ endpoints: marker.endpoints, tls: () => tls })
    const members = (await cluster.members()).filter(({ learner }) => !learner)
    const own = members.filter(({ name }) => name === host)
    const endpoints = [...own, ...members.filter(({ name }) => name !== host)].flatMap(({ clientUrls }) => clientUrls)
    if (endpoints.length === 0 || endpoints.join() === known.join()) return
    known = endpoints
    const { inner = store } = store as Partial<GatedStore>
    if (inner instanceof EtcdStore) inner.know(endpoints)
    await cluster.close()
    cluster = openCluster({ endpoints, tls: () => tls })
    // For the daemon's next start.
    await writeMarker(settings.stateDir, { ...marker, endpoints })
  }

  async function makeRoom(asked: Cluster): Promise<void> {
    if (env.monotonicMs() - defragmentedAt < defragmentEveryMs) return
    defragmentedAt = env.monotonicMs()
    await defragmentMembers({ cluster: asked, log })
  }

  async function copy(asked: Cluster): Promise<void> {
    if ((await member.state()).is !== 'running') return
    const [last] = await listSnapshots(folder)
    if (last && Math.abs(env.now() - Date.parse(last.at)) < snapshotEveryMs) return
    await takeSnapshot(asked, folder, env.now())
  }

  function lookLater(ms: number): void {
    timer?.[Symbol.dispose]()
    timer = env.later(ms, () => {
      timer = undefined
      busy = look().finally(() => {
        if (!closed) lookLater(exchanges || changes ? soonMs : everyMs)
      })
    })
  }

  lookLater(0)
  const closing = new AbortController()
  const own = await openMirror({ env, store, signal: closing.signal }, keys.storeMember(host))
  // While it looks it looks again soon.
  own.onChange(() => {
    changes = true
    if (timer) lookLater(0)
  })
  return {
    exchange: {
      assertMay: () => assertMayExchange(exchange),
      make: () => makeExchange(exchange),
      end: () => endExchange(exchange),
    },
    async close() {
      closed = true
      closing.abort(new Error('the daemon stops'))
      timer?.[Symbol.dispose]()
      await busy
      await cluster?.close()
    },
  }
}
