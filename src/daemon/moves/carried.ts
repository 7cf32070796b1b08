/** What a move carries, and how far it is on both sides: the root of its guest, or the lasting data of a site. */
import { CroftError } from '../../api/errors.ts'
import type { PeerLook } from '../../api/move.ts'
import type { Ref } from '../../drivers/storage/driver.ts'
import { type MoveDisk, type MoveView, prefixOf } from '../../plan/move.ts'
import type { HostParts } from '../host/parts.ts'
import { poolOfVolumes } from '../host/volume-loop.ts'
import { goersOf, type MoveRecord } from '../records/moves.ts'
import type { GuestRecord } from '../records/records.ts'
import { lookThere } from './send.ts'
import { withReplicas } from './snapshots.ts'
import { type Awaiting, isTemplateComing } from './template-comes.ts'

/** Without its release nothing can start there, and a release may be large. */
const releasePatienceMs = 1_800_000

export interface Carried {
  readonly pool: string
  /** What is written to, until it is taken. */
  readonly ref: Ref
  /** Of a site: its id, and what the site calls it. */
  readonly volume?: { readonly id: string; readonly name: string }
}

/** Volumes lie on the pool where the disks of their instances lie: their passes are snapshots of the first of these. */
export const carriedOf = ({ data }: Pick<MoveRecord, 'data'>, { number, spec }: GuestRecord): readonly Carried[] =>
  data
    ? data.volumes.map((volume) => ({ pool: poolOfVolumes, ref: { kind: 'volume', id: volume.id }, volume }))
    : [{ pool: spec.pool, ref: { kind: 'root', number, id: spec.root.id } }]

/** `guests` are those that go, the one first whose number the move has. */
export async function viewMove(
  walk: Awaiting,
  move: MoveRecord,
  guests: readonly [GuestRecord, ...GuestRecord[]],
): Promise<MoveView> {
  const { parts } = walk
  const [first] = guests
  const [{ pool } = { pool: first.spec.pool }] = carriedOf(move, first)
  const [looks, here, seen] = await Promise.all([
    Promise.all(goersOf(move).map(({ number }) => lookThere(parts, { ...move, number }))),
    parts.storage(pool).holdings(move.number),
    Promise.all(guests.map(({ number }) => parts.runtime.observe(number))),
  ])
  const [there] = looks
  if (!there) throw new CroftError('INTERNAL', `nothing goes with the move ${move.id}`)
  const lacking = guests.filter((_, at) => !looks[at]?.template)
  return {
    phase: move.phase as MoveView['phase'],
    ...{ here: here.snapshots, there: there.snapshots },
    disks: move.data ? volumeDisks(move, there) : [await rootDisk(parts, { move, guest: first, there, here })],
    live: seen.some((each) => each !== undefined && each.state !== 'stopped'),
    templateComes: await areComing(walk, move, lacking),
  }
}

const volumeDisks = ({ id: move, data, passes }: MoveRecord, { volumes = [] }: PeerLook): MoveDisk[] =>
  (data?.volumes ?? []).map(({ id }, at) => {
    const prefix = prefixOf(move, at)
    const own = passes.filter((pass) => pass.id.startsWith(`${prefix}-`))
    return { prefix, snapshots: [], passes: own, landed: volumes.includes(id) }
  })

interface Sides {
  readonly move: MoveRecord
  readonly guest: GuestRecord
  readonly there: PeerLook
  readonly here: { readonly snapshots: readonly string[] }
}

async function rootDisk(parts: HostParts, { move, guest: { spec }, there, here }: Sides): Promise<MoveDisk> {
  const { from, id } = spec.root
  const isCommon =
    from.kind === 'template' &&
    there.template &&
    (await parts.storage(spec.pool).exists({ kind: 'template', id: from.id }))
  return {
    ...{ prefix: prefixOf(move.id), passes: move.passes, landed: there.roots.includes(id) },
    template: isCommon ? from.id : undefined,
    snapshots: await withReplicas(parts.store, move, here.snapshots),
  }
}

/** A root can be sent without its template; one that is made anew is made from it. */
async function areComing(walk: Awaiting, { data, to, phase }: MoveRecord, lacking: readonly GuestRecord[]) {
  if (phase !== 'copy') return false
  for (const guest of lacking) {
    if (await isTemplateComing(walk, guest, data ? releasePatienceMs : undefined)) return true
    if (data)
      throw new CroftError(
        'NOT_FOUND',
        `${to} could not get ${guest.spec.template}, which ${guest.name} is made from`,
        {
          hint: 'croft template ls',
        },
      )
  }
  return false
}
