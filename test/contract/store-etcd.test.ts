import { after, before } from 'node:test'
import { startEtcd, type TestEtcd } from './etcd.ts'
import { storeContract } from './store.ts'

let etcd: TestEtcd
before(async () => {
  etcd = await startEtcd()
})
after(() => etcd.stop())

storeContract('etcd', () => etcd.open())
