/** `--json=name,ipv4`: a field that no record of the kind can have is a slip, not a null. */
import { CroftError } from '../../api/errors.ts'
import { nearest } from '../../api/nearest.ts'

/** Those that a record has at times only. */
const sometimes = `deleting error failures finished mend never op progress reason size startedAt status steps usage warnings`

export function checkFields(records: readonly unknown[], fields: readonly string[]): void {
  const known = [...new Set(records.flatMap((record) => (isObject(record) ? Object.keys(record) : [])))]
  if (known.length === 0) return
  for (const field of fields) {
    const [first = ''] = field.split('.')
    if (known.includes(first) || sometimes.split(' ').includes(first)) continue
    const meant = nearest(first, known)
    throw new CroftError('USAGE', `there is no field "${first}"`, {
      hint: meant ? `--json=${meant}` : `fields are ${known.join(' ')}`,
    })
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
