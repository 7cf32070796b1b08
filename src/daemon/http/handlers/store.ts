/** The farm's store: shown, and made anew from a snapshot. Both also while it is away. */
import { CroftError } from '../../../api/errors.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  getStore: async (daemon) => (await daemon.storeCare()).view(),

  async restoreStore(daemon, { body, query, caller }) {
    if (caller.token !== undefined || caller.via !== undefined)
      throw new CroftError('FORBIDDEN', 'the store is restored by root on a host of the farm', {
        hint: `there: croft farm store restore ${body.file}`,
      })
    const care = await daemon.storeCare()
    if (query.dryRun) return { operation: null, result: null, steps: await care.plan(body) }
    return { operation: null, result: { lines: await care.restore(body) } }
  },
} satisfies Partial<Handlers>
