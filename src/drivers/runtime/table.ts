import { createFakeRuntime } from './fake/index.ts'
import { createLxc } from './lxc/index.ts'

/** Name → factory. The only place, with their own folders, where runtimes are named. */
export const runtimeDrivers = { lxc: createLxc, fake: createFakeRuntime } as const
