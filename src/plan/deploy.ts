/** What a deploy makes of a site: which instances stay, which go, and in which waves. Pure. */
import type { ResolvedConfig } from '../api/app.ts'
import { CroftError } from '../api/errors.ts'
import type { MemberDaemon, ServingMember } from './members.ts'

export interface SlotWish {
  readonly slot: number
  /** Of all that an instance in this place is made from. */
  readonly hash: string
  readonly config: ResolvedConfig
  /** On hosts that say something of their own. */
  readonly hosts?: Readonly<Record<string, { readonly hash: string; readonly config: ResolvedConfig }>>
}

export interface PlacedMember extends Pick<ServingMember, 'name' | 'state'> {
  readonly slot: number
  readonly hash: string
  readonly host?: string | undefined
}

/** Names of those that go: whoever is not what would be made in its place, or has none. */
export function leavingOf(members: readonly PlacedMember[], slots: readonly SlotWish[]): string[] {
  const places = new Map(slots.map((each) => [each.slot, each]))
  const wishedOf = ({ slot, host = '' }: PlacedMember) => (places.get(slot)?.hosts?.[host] ?? places.get(slot))?.hash
  const stays = new Map<number, string>()
  for (const member of members) {
    const { slot, hash, name, state } = member
    if (wishedOf(member) === hash && state === 'ready' && !stays.has(slot)) stays.set(slot, name)
  }
  const staying = new Set(stays.values())
  return members.filter(({ name }) => !staying.has(name)).map(({ name }) => name)
}

/** `1,2` or `25%`: so many of `count` in each wave; what is left over is one more. */
export function wavesOf(text: string, count: number): number[] {
  return text.split(',').map((word) => {
    const [, digits, percent] = /^(\d{1,4})(%?)$/.exec(word.trim()) ?? []
    const number = Number(digits)
    if (digits === undefined || number < 1 || (percent && number > 100))
      throw new CroftError(
        'BAD_VALUE',
        `"${word.slice(0, 40)}" is not a wave: a number of instances, or a part like 25%`,
        {
          hint: '--waves 1,2 · --waves 25%,50% · --waves host',
        },
      )
    return percent ? Math.max(1, Math.ceil((count * number) / 100)) : number
  })
}

/**
 * `host`, alone or at the end: those of one host after those of another. Who replaces nobody comes last.
 * `places` are those that get another instance, with the host of the one that goes.
 */
export function hostWaves(
  text: string,
  count: number,
  places: readonly { readonly slot: number; readonly host: string | null }[],
): { readonly waves: number[]; readonly order: typeof places } {
  const words = text.split(',').slice(0, -1)
  const first = words.length === 0 ? [] : wavesOf(words.join(','), count)
  const order = places.toSorted(
    (a, b) => Number(a.host === null) - Number(b.host === null) || compareNames(a.host, b.host) || a.slot - b.slot,
  )
  let left = first.reduce((sum, size) => sum + size, 0)
  const rest = [...Map.groupBy(order, ({ host }) => host).values()].map(({ length }) => {
    const before = Math.min(left, length)
    left -= before
    return length - before
  })
  return { waves: [...first, ...rest.filter((size) => size > 0)], order }
}

const compareNames = (a: string | null, b: string | null): number => (a === b ? 0 : (a ?? '') < (b ?? '') ? -1 : 1)

/** All that its rollout, its edges and its checks need to know of it. */
export const daemonsOf = ({ daemon }: ResolvedConfig): Record<string, MemberDaemon> =>
  Object.fromEntries(
    Object.entries(daemon).map(([name, { port, health, user, folder }]) => [name, { port, health, user, folder }]),
  )

/** What an instance is made from: how many there are, and under which names they are reached, is nothing of it. */
export function madeFrom({ instances, route: _, build: __, ...config }: ResolvedConfig): object {
  return { ...config, size: instances.size }
}

/** Time to end three times: that is what fails one that nobody can ask. */
const withoutCheck = 20

/** How long all daemons of an instance together may take until they answer well. */
export const withinSecondsOf = ({ daemon }: ResolvedConfig): number =>
  Math.max(
    1,
    ...Object.values(daemon).map(({ health }) => (health.kind === 'none' ? withoutCheck : health.withinSeconds)),
  )
