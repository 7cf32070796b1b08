/** The farm's CA is exchanged: on one host at once, on several by all of them, one after another. */
import { getFarm, type WholeDaemon } from '../../daemon.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { assertRoot } from '../access.ts'
import type { Handlers } from '../handler.ts'
import { getFarmRecord, viewFarm } from './door.ts'

export const handlers = {
  giveCas: (daemon) => daemon.outside.cas(),

  /** What lies on the disk is changed first: history tells what was done. */
  async rotateCa(daemon, { body: { finish }, query, caller }) {
    assertRoot(caller, 'the CA of the farm is exchanged', 'croft cert rotate')
    const { revision, value: farm } = await getFarmRecord(daemon)
    assertRevision(query, revision, 'farm')
    const exchange = getFarm(daemon).members?.exchange
    if (!finish) await exchange?.assertMay()
    const { fingerprint, former } = daemon.outside.door()
    if (query.dryRun) {
      const detail = finish ? `no longer trust ${former ?? 'a former CA: there is none'}` : `beside ${fingerprint}`
      return { operation: null, result: null, steps: [{ what: farm.name, step: finish ? 'finish' : 'rotate', detail }] }
    }
    const written = exchange ? await (finish ? exchange.end() : exchange.make()) : await turnAlone(daemon, finish)
    if (written)
      await commit(daemon, caller, query, async (): Promise<Change> => {
        const { key, revision, value } = await getFarmRecord(daemon)
        const [before, after] = [{ ca: finish ? former : fingerprint }, { ca: daemon.outside.door().fingerprint }]
        return {
          ...{ kind: 'farm', name: value.name, verb: finish ? 'finish-ca' : 'rotate-ca', before, after },
          compare: [{ key, revision }, ...written.compare],
          writes: [{ put: key, value }, ...written.writes],
        }
      })
    const warnings =
      exchange && written ? ['the hosts do it one after another: croft status says who is waited for'] : []
    return { operation: null, result: await viewFarm(daemon), ...(warnings.length > 0 ? { warnings } : {}) }
  },
} satisfies Partial<Handlers>

async function turnAlone({ outside }: WholeDaemon, finish: boolean) {
  return (await outside.rotate(finish ? 'finish' : 'begin')) ? { compare: [], writes: [] } : undefined
}
