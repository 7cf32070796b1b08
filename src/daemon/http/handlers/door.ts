/** The farm's door to the outside, and its certificates. */
import type { Certificate, Door } from '../../../api/door.ts'
import { CroftError } from '../../../api/errors.ts'
import type { Farm } from '../../../api/resources.ts'
import type { Daemon } from '../../daemon.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { keys } from '../../records/keys.ts'
import { type FarmRecord, type Held, read, readAll, type TokenRecord } from '../../records/records.ts'
import type { Handlers } from '../handler.ts'
import { shownFarm } from './farm.ts'

export const handlers = {
  getFarm: (daemon) => viewFarm(daemon),

  /** The door is opened first: where that fails nothing was changed. */
  async changeFarm(daemon, { body, query, caller }) {
    const first = await getFarmRecord(daemon)
    assertRevision(query, first.revision, 'farm')
    const at = body.listen === undefined ? first.value.listen : (body.listen ?? undefined)
    if (query.dryRun) {
      const steps = [
        { what: first.value.name, step: at === undefined ? 'shut' : 'listen', detail: at ?? 'no door to the outside' },
      ]
      return { operation: null, result: null, steps: at === first.value.listen ? [] : steps }
    }
    await daemon.outside.listen(at)
    try {
      await commit(daemon, caller, query, async (): Promise<Change> => {
        const { key, revision, value } = await getFarmRecord(daemon)
        const { listen: _, ...rest } = value
        const after: FarmRecord = at === undefined ? rest : { ...rest, listen: at }
        const writes = at === value.listen ? [] : [{ put: key, value: after }]
        return {
          kind: 'farm',
          name: value.name,
          verb: 'set',
          before: value,
          after,
          compare: [{ key, revision }],
          writes,
        }
      })
    } catch (thrown) {
      await daemon.outside.listen(first.value.listen)
      throw thrown
    }
    // Of several who changed it at once the last one counts.
    await daemon.outside.listen((await getFarmRecord(daemon)).value.listen)
    return { operation: null, result: await viewFarm(daemon) }
  },

  async listCertificates(daemon): Promise<Certificate[]> {
    const records = await readAll<TokenRecord>(daemon.store, keys.tokens)
    return [...daemon.outside.certificates(), ...records.flatMap(({ value }) => clientOf(value))]
  },
} satisfies Partial<Handlers>

const clientOf = ({ kind, name, hash: fingerprint, created: begins, expires }: TokenRecord): Certificate[] =>
  kind === undefined ? [] : [{ name, kind: 'client', fingerprint, names: [], begins, expires, renews: null }]

async function viewFarm(daemon: Daemon): Promise<Farm & { readonly door: Door }> {
  return { ...shownFarm((await getFarmRecord(daemon)).value), door: daemon.outside.door() }
}

async function getFarmRecord(daemon: Daemon): Promise<Held<FarmRecord>> {
  const found = await read<FarmRecord>(daemon.store, keys.farm)
  if (found) return found
  throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
}
