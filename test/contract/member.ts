/** What every member driver must do. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Member, MemberWish } from '../../src/drivers/member/driver.ts'

export interface MemberWorld {
  readonly member: Member
  /** As another daemon would find it. */
  again(): Member
  readonly wish: MemberWish
  /** A whole snapshot of it, and a file that is none. */
  snapshot(): Promise<string>
  readonly noSnapshot: string
  dispose(): Promise<void>
}

export function memberContract(name: string, open: () => Promise<MemberWorld>): void {
  describe(`member ${name}`, () => {
    let world: MemberWorld
    before(async () => {
      world = await open()
    })
    after(() => world.dispose())

    it('is none at first, and ending it does no harm', async () => {
      assert.deepEqual(await world.member.state(), { is: 'none' })
      assert.equal(await world.member.resume(), undefined)
      await world.member.stop()
      await world.member.erase()
    })

    it('refuses words that would say something else', async () => {
      const { wish } = world
      const wrong: Partial<MemberWish>[] = [
        { name: 'a,b=http://192.0.2.1:1' },
        { name: 'a"\nETCD_FORCE_NEW_CLUSTER="true' },
        { token: '' },
        { token: '--x' },
        { clientUrl: 'http://host:2379' },
        { clientUrl: `${wish.clientUrl}/x` },
        { peerUrl: 'ftp://127.0.0.1:1' },
        { peerUrl: 'http://127.0.0.1' },
        { initial: [] },
        { initial: [{ name: 'other', peerUrl: wish.peerUrl }] },
      ]
      for (const each of wrong) await assert.rejects(world.member.start({ ...wish, ...each }), { code: 'BAD_VALUE' })
      assert.deepEqual(await world.member.state(), { is: 'none' })
    })

    it('serves when it is started, and twice is once', async () => {
      assert.equal(await world.member.start(world.wish), 'serves')
      const first = await world.member.state()
      assert.ok(first.is === 'running' && first.pid > 1)
      assert.deepEqual(first.wish, world.wish)
      assert.equal(await world.member.start(world.wish), 'serves')
      assert.deepEqual(await world.member.state(), first)
      assert.deepEqual(await world.again().state(), first)
      assert.equal(await world.again().resume(), 'serves')
      assert.deepEqual(await world.again().state(), first)
    })

    it('is brought back with its data', async () => {
      await world.member.stop()
      await world.member.stop()
      assert.equal((await world.member.state()).is, 'stopped')
      assert.equal(await world.again().resume(), 'serves')
      assert.equal((await world.member.state()).is, 'running')
    })

    it('is restored from a whole snapshot alone, under a new token', async () => {
      const file = await world.snapshot()
      const before = await world.member.state()
      await assert.rejects(world.member.restore(world.noSnapshot, { ...world.wish, token: 'next' }), {
        code: 'REFUSED',
      })
      await assert.rejects(world.member.restore(file, world.wish), { code: 'REFUSED' })
      assert.deepEqual(await world.member.state(), before)
      await world.member.restore(file, { ...world.wish, token: 'next' })
      const now = await world.member.state()
      assert.ok(now.is === 'running' && now.wish.token === 'next')
    })

    it('is gone when it is erased', async () => {
      await world.member.erase()
      await world.member.erase()
      assert.deepEqual(await world.member.state(), { is: 'none' })
      assert.equal(await world.again().resume(), undefined)
    })
  })
}
