import type { ConfigDifference } from '../../../api/site.ts'
import type { Column } from '../../answer.ts'
import { valueText } from './values.ts'

export const differenceColumns: readonly Column<ConfigDifference>[] = [
  { title: 'SETTING', get: (each) => each.path },
  { title: 'NOW', get: (each) => valueText(each.now) },
  { title: 'NEXT', elastic: true, get: (each) => valueText(each.next) },
  { title: 'FROM', get: (each) => each.origin?.from },
]
