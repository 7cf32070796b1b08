/** What a new host gets: the lowest number and the lowest block of guests' numbers that nobody has. Pure. */
import { isUsableNumber, numbersOfBlock } from './addresses.ts'

/** 1..255: its address in the mesh ends with it. The number of a host that is gone may be had again. */
export function firstFreeHostNumber(taken: readonly number[]): number | undefined {
  const known = new Set(taken)
  for (let number = 1; number <= 255; number++) if (!known.has(number)) return number
  return undefined
}

export function firstFreeBlock(taken: readonly number[]): number | undefined {
  const known = new Set(taken)
  for (let block = 0; numbersOfBlock(block).some(isUsableNumber); block++) if (!known.has(block)) return block
  return undefined
}
