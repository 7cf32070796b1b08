import { createFakeMemberWorld } from '../../src/drivers/member/fake/index.ts'
import { memberDrivers } from '../../src/drivers/member/table.ts'
import { memberContract } from './member.ts'

memberContract('fake', async () => {
  const kept = createFakeMemberWorld()
  kept.snapshots.add('/whole')
  const peerUrl = 'http://127.0.0.1:2380'
  return {
    member: memberDrivers.fake(kept),
    again: () => memberDrivers.fake(kept),
    wish: {
      ...{ name: 'ash', clientUrl: 'http://127.0.0.1:2379', peerUrl, initial: [{ name: 'ash', peerUrl }] },
      ...{ state: 'new', token: 'first' },
    },
    snapshot: async () => '/whole',
    noSnapshot: '/none',
    dispose: async () => {},
  }
})
