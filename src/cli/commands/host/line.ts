import type { Host } from '../../../api/host.ts'
import { bytesText as bytes } from '../../screen/cells.ts'

/** `birch may promise 22.3 GB of memory, 4.0 GB promised, tags rack2 ssd`. */
export function hostLine({ name, memory, tags, sendRate }: Host): string {
  const most = memory.mostBytes === null ? 'what it is asked for' : `${bytes(memory.mostBytes)} of memory`
  const tagged = tags.length === 0 ? '' : `, tags ${tags.join(' ')}`
  const paced = sendRate ? `, sends at most ${bytes(sendRate)}/s` : ''
  return `${name} may promise ${most}, ${bytes(memory.promisedBytes)} promised${paced}${tagged}`
}
