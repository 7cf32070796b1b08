/** A real etcd with TLS both ways, by certificates of a farm's own authority. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemEnv } from '../../src/daemon/env.ts'
import { openAuthority } from '../../src/daemon/pki/authority.ts'
import { beginStoreCas } from '../../src/daemon/pki/store-cas.ts'
import { refreshStorePair } from '../../src/daemon/pki/store-pair.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import type { Member, MemberWish } from '../../src/drivers/member/driver.ts'
import { memberDrivers } from '../../src/drivers/member/table.ts'
import { openCluster } from '../../src/store/etcd/cluster.ts'
import { openEtcdStore, type Tls } from '../../src/store/etcd/index.ts'
import { freePorts } from './etcd.ts'
import { type MemberWorld, memberContract } from './member.ts'

interface RealWorld extends MemberWorld {
  readonly tls: Tls
  readonly folder: string
  /** A client and the host itself by the farm's CA, and who shows nothing. */
  readonly strangers: readonly Tls[]
}

async function openWorld(): Promise<RealWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'croft-member-'))
  const run = createRunner()
  const pki = join(folder, 'pki')
  const authority = await openAuthority({
    ...{ env: systemEnv, run, folder: pki, farm: 'meadow', host: 'ash', names: () => ['127.0.0.1'] },
  })
  await authority.refresh()
  await beginStoreCas({ env: systemEnv, run, folder: pki })
  const { tls, files } = await refreshStorePair({ env: systemEnv, run, folder: pki, host: 'ash' }, ['127.0.0.1'])
  const { key, certificate: cert } = await authority.issueClient('somebody', Date.now() + 3_600_000)
  const [client, peer] = await freePorts(2)
  const peerUrl = `https://127.0.0.1:${peer}`
  const wish: MemberWish = {
    ...{ name: 'ash', clientUrl: `https://127.0.0.1:${client}`, peerUrl, initial: [{ name: 'ash', peerUrl }] },
    ...{ state: 'new', token: 'first', tls: files },
  }
  const again = () => memberDrivers.etcd({ run, folder: join(folder, 'etcd') })
  const member = again()
  await writeFile(join(folder, 'none'), 'not a snapshot')
  return {
    ...{
      member,
      again,
      wish,
      tls,
      folder,
      strangers: [
        { key, cert, ca: tls.ca },
        { ...authority.material(), ca: tls.ca },
        { ca: tls.ca, cert: '', key: '' },
      ],
    },
    noSnapshot: join(folder, 'none'),
    async snapshot() {
      const cluster = openCluster({ endpoints: [wish.clientUrl], tls })
      const file = join(folder, 'snapshot')
      await writeFile(file, cluster.snapshot(new AbortController().signal))
      await cluster.close()
      return file
    },
    async dispose() {
      await member.stop()
      await rm(folder, { recursive: true })
    },
  }
}

memberContract('etcd', openWorld)

describe('member etcd', () => {
  let world: RealWorld
  let member: Member
  before(async () => {
    world = await openWorld()
    member = world.member
    await member.start(world.wish)
  })
  after(() => world.dispose())
  const open = (tls = world.tls) =>
    openEtcdStore({ endpoints: [world.wish.clientUrl], tls, newId: randomUUID, patienceMs: 1000 })

  it('lets hosts in, and nobody else that the farm has signed', async () => {
    await (await open()).close()
    for (const stranger of world.strangers) await assert.rejects(open(stranger), { code: 'STORE_CLOSED' })
  })

  it('has what a snapshot has, and is another store', async () => {
    const store = await open()
    await store.transact([], [{ put: 'a', value: 1 }])
    const file = await world.snapshot()
    await store.transact([], [{ put: 'a', value: 2 }])
    const { keptAt } = await member.restore(file, { ...world.wish, token: 'second' })
    assert.ok(existsSync(keptAt))
    await assert.rejects(store.get('a'), { code: 'STORE_CLOSED', message: /restored/ })
    const again = await open()
    assert.notEqual(again.id, store.id)
    assert.equal((await again.get('a')).entry?.value, 1)
    await again.close()
  })

  it('begins nothing anew when its data is gone', async () => {
    await member.stop()
    const data = join(world.folder, 'etcd', 'data')
    await rename(data, `${data}.away`)
    await assert.rejects(member.resume(), { code: 'DATA_LOST' })
    await rename(`${data}.away`, data)
    assert.equal(await member.resume(), 'serves')
  })

  it('says why it does not start', async () => {
    await member.stop()
    const clientUrl = 'https://192.0.2.1:2379'
    await assert.rejects(member.start({ ...world.wish, clientUrl }), { code: 'FAILED', message: /cannot assign/ })
    const state = await member.state()
    assert.ok(state.is === 'stopped')
    assert.match(state.why, /cannot assign/)
  })
})
