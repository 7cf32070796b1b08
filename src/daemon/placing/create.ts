/**
 * A guest is asked for and no host was named, or one was: where it goes. What another host is to make is carried to it with the
 * choice in the body; when that one refuses for want of room, or is away, the next best is asked.
 */
import { CroftError, type ErrorBody, isCode } from '../../api/errors.ts'
import type { Placed } from '../../api/placement.ts'
import type { Accepted, PlannedStep } from '../../api/resources.ts'
import type { WriteQuery } from '../../api/schemas.ts'
import type { Daemon } from '../daemon.ts'
import type { Caller } from '../http/access.ts'
import type { Others } from '../peers/others.ts'
import { readJson } from '../peers/read-answer.ts'
import { candidatesOf, choose, placedOf } from './choose.ts'
import type { Asking } from './sight.ts'

export interface Placing<T> {
  readonly name: string
  readonly asking: Asking
  /** As it was asked. */
  readonly body: object
  readonly query: WriteQuery
  readonly caller: Caller
  /** Makes it on this host. */
  readonly here: (placed: Placed) => Promise<Accepted<T>>
}

export async function createWhereItFits<T>(
  daemon: Daemon,
  others: Pick<Others, 'own' | 'peers'>,
  asked: Placing<T>,
): Promise<Accepted<T>> {
  const placement = await choose(daemon, asked.asking)
  const tried: { host: string; why: string }[] = []
  let last: unknown
  for (const candidate of candidatesOf(placement, asked.name)) {
    const placed = placedOf(daemon.env, placement, candidate, { tried, named: asked.asking.host })
    try {
      const made = candidate.host === others.own ? await asked.here(placed) : await carryTo(others, asked, placed)
      return asked.query.dryRun ? { ...made, steps: [placeStep(asked.name, placed), ...(made.steps ?? [])] } : made
    } catch (thrown) {
      if (!isCode(thrown, 'NO_ROOM') && !isCode(thrown, 'HOST_UNREACHABLE')) throw thrown
      last = thrown
      tried.push({ host: candidate.host, why: (thrown as CroftError).message.slice(0, 200) })
    }
  }
  throw last
}

const placeStep = (what: string, { host, reasons }: Placed): PlannedStep => ({
  ...{ what, step: 'place' },
  detail: `on ${host}: ${reasons.map(({ why }) => why).join(', ')}`,
})

async function carryTo<T>(
  { peers }: Pick<Others, 'peers'>,
  { body, query, caller }: Placing<T>,
  placed: Placed,
): Promise<Accepted<T>> {
  const words = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value === true ? '1' : String(value)]],
  )
  const answer = await peers.request(placed.host, {
    ...{ method: 'POST', path: `/v1/guests?${new URLSearchParams(words)}`, caller },
    body: JSON.stringify({ ...body, host: placed.host, placed }),
  })
  const said = await readJson(placed.host, answer.body)
  if (answer.status < 400) return said as Accepted<T>
  const { code, message, hint, op } = said as ErrorBody
  throw Object.assign(new CroftError(code, message, { hint }), op === undefined ? {} : { op })
}
