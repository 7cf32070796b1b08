import { CroftError } from '../../../api/errors.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

interface Ref {
  readonly guest: string
  readonly snapshot: string
}

/** Nobody is asked about a snapshot that is not there. */
export async function mustExist(context: Context, refs: readonly Ref[]): Promise<void> {
  if (context.flags.has('yes') || context.flags.has('dry-run')) return
  for (const { guest, snapshot } of refs) {
    const there = items(await context.client.request('listSnapshots', { query: { guest } }))
    if (there.some(({ name }) => name === snapshot)) continue
    throw new CroftError('SNAPSHOT_NOT_FOUND', `guest "${guest}" has no snapshot "${snapshot}"`, {
      hint: `croft snapshot ls ${guest}`,
    })
  }
}
