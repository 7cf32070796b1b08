/** A member that is nothing but its state. What it keeps is in the world that was passed in, and so outlives it. */
import { CroftError } from '../../../api/errors.ts'
import { checkWish } from '../check.ts'
import type { Member, MemberState, MemberWish } from '../driver.ts'

export interface FakeMemberWorld {
  state: MemberState
  started: number
  /** Files that count as whole snapshots. */
  readonly snapshots: Set<string>
}

export const createFakeMemberWorld = (): FakeMemberWorld => ({
  state: { is: 'none' },
  started: 0,
  snapshots: new Set(),
})

export function createFakeMember(world: FakeMemberWorld): Member {
  async function start(wish: MemberWish): Promise<'serves'> {
    checkWish(wish)
    const { state } = world
    if (state.is === 'running' && JSON.stringify(state.wish) === JSON.stringify(wish)) return 'serves'
    world.started += 1
    world.state = { is: 'running', pid: 1000 + world.started, wish }
    return 'serves'
  }
  return {
    state: async () => world.state,
    start,
    resume: async () => (world.state.is === 'none' ? undefined : start(world.state.wish)),
    async stop() {
      if (world.state.is === 'running') world.state = { is: 'stopped', wish: world.state.wish, why: '' }
    },
    async erase() {
      world.state = { is: 'none' }
    },
    async restore(file, wish) {
      checkWish(wish)
      if (!world.snapshots.has(file)) throw new CroftError('REFUSED', `${file} is no whole snapshot of the store`)
      if (world.state.is !== 'none' && world.state.wish.token === wish.token)
        throw new CroftError('REFUSED', 'a store that is restored needs a token of its own')
      await start(wish)
      return { keptAt: '/before-restore' }
    },
  }
}
