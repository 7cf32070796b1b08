/** Which hosts carry a member of the store. At most one step at a time, so that a majority is never at stake. */
export interface StoreHost {
  readonly name: string
  readonly number: number
  /** Others reach it somewhere. */
  readonly reachable: boolean
  /** Its daemon speaks with the store. */
  readonly alive: boolean
  readonly dead: boolean
  readonly witness: boolean
  /** It has said that the data of its member is gone. */
  readonly lost: boolean
  /** What it had of a member is still to be taken away there. */
  readonly leaving: boolean
}

export interface StoreMember {
  readonly id: string
  /** Undefined: of no host that is known. */
  readonly host: string | undefined
  /** It copies, and does not vote yet. */
  readonly learner: boolean
  readonly answers: boolean
  readonly leads: boolean
}

export type StoreStep =
  | { readonly do: 'add'; readonly host: string }
  | { readonly do: 'promote' | 'remove'; readonly id: string; readonly host: string | undefined }

/** Two members would be worse than one: both would have to be there. */
export function countOfMembers(hosts: readonly Pick<StoreHost, 'dead'>[]): 1 | 3 | 5 {
  const living = hosts.filter(({ dead }) => !dead).length
  return living >= 5 ? 5 : living >= 3 ? 3 : 1
}

export function planStoreMembers(hosts: readonly StoreHost[], members: readonly StoreMember[]): StoreStep | undefined {
  const hostOf = ({ host }: StoreMember) => hosts.find(({ name }) => name === host)
  const isGone = (member: StoreMember): boolean => {
    const host = hostOf(member)
    return host === undefined || host.dead || host.lost
  }
  const learner = members.find((member) => member.learner)
  // One whose host went away before it had caught up would keep all others out.
  const comes = learner && !isGone(learner) && hostOf(learner)?.alive === true
  if (learner) return { do: comes ? 'promote' : 'remove', id: learner.id, host: learner.host }

  /** Without it, those that answer are still a majority of the rest, and all must agree to its going as they are now. */
  const maySpare = ({ id }: StoreMember): boolean => {
    const answering = members.filter((each) => each.id !== id && each.answers).length
    return answering > (members.length - 1) / 2
  }
  const gone = members.find((member) => isGone(member) && maySpare(member))
  if (gone) return { do: 'remove', id: gone.id, host: gone.host }

  const wanted = countOfMembers(hosts)
  if (members.length > wanted) return leaving(members, hostOf, maySpare)
  const free = hosts.filter(
    (host) =>
      host.alive && !host.dead && !host.leaving && host.reachable && !members.some((each) => each.host === host.name),
  )
  // As many as make an odd number: one more than that is one more that may be missed, and no more that may be away.
  const aim = Math.min(wanted, odd(members.length + free.length))
  if (members.length >= aim) return undefined
  const [first] = free.sort((one, two) => Number(two.witness) - Number(one.witness) || one.number - two.number)
  return first && { do: 'add', host: first.name }
}

const odd = (count: number): number => count - 1 + (count % 2)

/** Who does not answer first, who leads last; a witness stays, and so does who came first. */
function leaving(
  members: readonly StoreMember[],
  hostOf: (member: StoreMember) => StoreHost | undefined,
  maySpare: (member: StoreMember) => boolean,
): StoreStep | undefined {
  const weight = (member: StoreMember): number[] => {
    const host = hostOf(member)
    return [Number(member.leads), Number(member.answers), Number(host?.witness ?? false), -(host?.number ?? 0)]
  }
  const order = (one: StoreMember, two: StoreMember): number => {
    const [left, right] = [weight(one), weight(two)]
    return left.map((value, at) => value - (right[at] ?? 0)).find((difference) => difference !== 0) ?? 0
  }
  const [first] = members.filter(maySpare).sort(order)
  return first && { do: 'remove', id: first.id, host: first.host }
}
