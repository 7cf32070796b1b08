/** What one host walks for the whole farm: builds, rollouts and checks. Who leads no longer has fresh ones, which rest. */
import type { Checks } from '../checks/checks.ts'
import type { Daemon, OpenFarm } from '../daemon.ts'
import { type Builds, createBuilds } from './builds.ts'
import type { Reign } from './leader.ts'
import { createRollouts, type Rollouts } from './rollouts.ts'

interface Made {
  readonly builds: Builds
  readonly rollouts: Rollouts
  readonly checks: Checks
}

export interface FarmLoops extends Made, Reign {}

/** `daemon` writes by the leader's store. */
export function createFarmLoops(daemon: Daemon, folder: string, checks: () => Checks): FarmLoops {
  const { operations } = daemon
  const make = (): Made => ({
    ...{ builds: createBuilds(daemon, folder), rollouts: createRollouts(daemon), checks: checks() },
  })
  let made = make()
  return {
    get builds() {
      return made.builds
    },
    get rollouts() {
      return made.rollouts
    },
    get checks() {
      return made.checks
    },
    async begin() {
      await operations.takeOver()
      made.builds.begin()
      await made.rollouts.begin()
      made.checks.begin()
    },
    async end() {
      const old = made
      made = make()
      await old.builds.close()
      await old.rollouts.close()
      await old.checks.close()
      operations.letGo()
    },
  }
}

/** Handlers see the loops of now. */
export const openedFarm = (farm: Omit<OpenFarm, keyof Made> & { readonly loops: FarmLoops }): OpenFarm => ({
  ...farm,
  get builds() {
    return farm.loops.builds
  },
  get rollouts() {
    return farm.loops.rollouts
  },
  get checks() {
    return farm.loops.checks
  },
})
