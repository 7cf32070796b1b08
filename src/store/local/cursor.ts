import { CroftError } from '../../api/errors.ts'

export interface Known {
  readonly storeId: string
  readonly revision: number
  readonly compacted: number
}

/** The revision of a cursor that can be watched from. All others say COMPACTED, whose answer is to list again. */
export function parseCursor(text: string, known: Known): number {
  const colon = text.lastIndexOf(':')
  const digits = text.slice(colon + 1)
  if (colon < 0 || text.slice(0, colon) !== known.storeId) throw unusable(text, 'it is of another store')
  const revision = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN
  if (Number.isNaN(revision)) throw unusable(text, 'it has no revision')
  if (revision > known.revision) throw unusable(text, `the store is only at revision ${known.revision}`)
  if (revision < known.compacted) throw unusable(text, `changes are kept since revision ${known.compacted}`)
  return revision
}

const unusable = (text: string, why: string): CroftError =>
  new CroftError('COMPACTED', `cannot watch from "${text.slice(0, 100)}": ${why}; list again and watch from there`, {
    hint: 'croft events --tail 1 -o json',
  })
