/** Who has which host name: a record for each, compared and written with the routes that claim it. */
import { CroftError } from '../../api/errors.ts'
import { type Claim, type Held, holderOf } from '../../plan/domains.ts'
import type { Compare, Write } from '../../store/store.ts'
import type { Daemon } from '../daemon.ts'
import { keys } from './keys.ts'
import { type DomainRecord, read, schemaVersion } from './records.ts'

/** What must hold and be written so that the route has `after` instead of `before`. EXISTS says whose a name is. */
export async function moveDomains(
  daemon: Daemon,
  route: string,
  { before, after }: { readonly before: readonly Claim[]; readonly after: readonly Claim[] },
): Promise<{ compare: Compare[]; writes: Write[] }> {
  const compare: Compare[] = []
  const writes: Write[] = []
  for (const host of new Set([...before, ...after].map((claim) => claim.host))) {
    const key = keys.domain(host)
    const found = await read<DomainRecord>(daemon.store, key)
    const held = found?.value.held ?? []
    const mine = after.filter((claim) => claim.host === host)
    for (const claim of mine) assertFree(claim, held, route)
    const next: Held[] = [
      ...held.filter((each) => each.route !== route),
      ...mine.map(({ path, as }): Held => ({ path, as, route })),
    ]
    compare.push({ key, revision: found?.revision ?? 0 })
    if (next.length > 0) writes.push({ put: key, value: { schema: schemaVersion, held: next } satisfies DomainRecord })
    else if (found) writes.push({ delete: key })
  }
  return { compare, writes }
}

function assertFree(claim: Claim, held: readonly Held[], route: string): void {
  const holder = holderOf(claim, held, route)
  if (!holder) return
  const { host, path } = claim
  const what = claim.as === 'path' && holder.as === 'path' && path !== '/' ? `${host}${path}` : host
  throw new CroftError('EXISTS', `${what} belongs to route "${holder.route}"`, {
    hint: `croft route show ${holder.route}`,
  })
}
