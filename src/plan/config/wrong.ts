/** What is wrong with one value, known by its path; whoever has the layers says where that stands (`placed.ts`). */
import { CroftError } from '../../api/errors.ts'

class AtPath {
  readonly path: string
  constructor(path: string) {
    this.path = path
  }
}

export const wrongAt = (path: string, message: string, hint?: string): CroftError =>
  new CroftError('BAD_VALUE', message, { hint, cause: new AtPath(path) })

/** The same, of what was thrown by who knows no paths. */
export function atPath(path: string, thrown: unknown): unknown {
  if (!(thrown instanceof CroftError)) return thrown
  return new CroftError(thrown.code, thrown.message, { hint: thrown.hint, cause: new AtPath(path) })
}

export const pathOf = (thrown: unknown): string | undefined =>
  thrown instanceof CroftError && thrown.cause instanceof AtPath ? thrown.cause.path : undefined
