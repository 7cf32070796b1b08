/** Few hosts ever come: what they need is loaded with the first. */
import type { Joining } from './joining.ts'
import type { JoiningParts } from './parts.ts'

export function lazyJoining(parts: JoiningParts): () => Promise<Joining> {
  let opened: Promise<Joining> | undefined
  return () => {
    opened ??= import('./index.ts').then(({ createJoining }) => createJoining(parts))
    return opened
  }
}
