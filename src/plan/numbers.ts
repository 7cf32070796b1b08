/** Which number and uid slot a new guest gets, and when a freed one may be used again. Pure. */
import { numbersOfBlock, uidSlots } from './addresses.ts'
import { firstFreeBlock } from './hosts.ts'

export interface Numbers {
  readonly blocks: readonly number[]
  readonly next: number
  readonly used: readonly number[]
  readonly resting: readonly (readonly [number: number, until: number])[]
  readonly slots: readonly number[]
}

/** A freed number rests so long: others may still know its address. */
export const restMs = 24 * 3600 * 1000

/**
 * The cursor goes round the host's blocks; used and resting numbers are passed over. When a block is full another is
 * leased (`blocks` of the answer grows); undefined when the farm has no number or the host no slot left.
 */
export function takeNumber<T extends Numbers>(
  numbers: T,
  now: number,
  /** Blocks that other hosts have. */
  leased: readonly number[] = [],
): { number: number; slot: number; numbers: T } | undefined {
  const taken = new Set([
    ...numbers.used,
    ...numbers.resting.filter(([, until]) => until > now).map(([number]) => number),
  ])
  const slot = lowestFree(numbers.slots)
  if (slot === undefined) return undefined
  const blocks = [...numbers.blocks]
  for (;;) {
    const all = blocks.flatMap(numbersOfBlock)
    const number = all.find((n) => n >= numbers.next && !taken.has(n)) ?? all.find((n) => !taken.has(n))
    if (number !== undefined) {
      const resting = numbers.resting.filter(([n, until]) => n !== number && until > now)
      return {
        number,
        slot,
        numbers: {
          ...numbers,
          blocks,
          next: number + 1,
          used: [...numbers.used, number],
          resting,
          slots: [...numbers.slots, slot],
        },
      }
    }
    const block = firstFreeBlock([...blocks, ...leased])
    if (block === undefined) return undefined
    blocks.push(block)
  }
}

export function freeNumber<T extends Numbers>(numbers: T, freed: { number: number; slot: number }, now: number): T {
  const resting = numbers.resting.filter(([number, until]) => number !== freed.number && until > now)
  return {
    ...numbers,
    used: numbers.used.filter((number) => number !== freed.number),
    slots: numbers.slots.filter((slot) => slot !== freed.slot),
    resting: [...resting, [freed.number, now + restMs] as const],
  }
}

/** For a guest that comes from another host, with a number of that one's. */
export function takeSlot<T extends Numbers>(numbers: T): { slot: number; numbers: T } | undefined {
  const slot = lowestFree(numbers.slots)
  return slot === undefined ? undefined : { slot, numbers: { ...numbers, slots: [...numbers.slots, slot] } }
}

/** Of one that has gone to another host, or whose number is another's: the number stays used where it is leased. */
export const freeSlot = <T extends Numbers>(numbers: T, slot: number): T => ({
  ...numbers,
  slots: numbers.slots.filter((each) => each !== slot),
})

/** Of a host that goes: a block with numbers of guests that live elsewhere is another's from then on, with what rests in it. */
export function inheritBlock<T extends Numbers>(heir: T, from: Numbers, block: number): T {
  const isOfIt = (number: number) => number >> 8 === block
  return {
    ...heir,
    blocks: [...heir.blocks, block],
    used: [...heir.used, ...from.used.filter(isOfIt)],
    resting: [...heir.resting, ...from.resting.filter(([number]) => isOfIt(number))],
  }
}

/** What was found without a record: its number rests, its slot is nobody's. The same numbers when nothing changes. */
export function reserveFound<T extends Numbers>(
  numbers: T,
  found: readonly { readonly number: number; readonly slot?: number | undefined }[],
  now: number,
): T {
  const rests = new Map(numbers.resting)
  const tired = found.filter(({ number }) => (rests.get(number) ?? 0) < now + restMs / 2)
  const slots = new Set(found.flatMap(({ slot }) => (slot === undefined || numbers.slots.includes(slot) ? [] : [slot])))
  if (tired.length + slots.size === 0) return numbers
  for (const { number } of tired) rests.set(number, now + restMs)
  return { ...numbers, resting: [...rests], slots: [...numbers.slots, ...slots] }
}

function lowestFree(slots: readonly number[]): number | undefined {
  const used = new Set(slots)
  for (let slot = 0; slot < uidSlots; slot++) if (!used.has(slot)) return slot
  return undefined
}
