import type { Token } from '../../../api/door.ts'
import type { Column } from '../../answer.ts'

export const tokenColumns: readonly Column<Token>[] = [
  { title: 'NAME', get: (token) => token.name },
  { title: 'KIND', get: (token) => token.kind },
  { title: 'ROLE', get: (token) => token.role },
  { title: 'STATE', get: (token) => token.state },
  { title: 'AGE', as: 'age', get: (token) => token.created },
  { title: 'EXPIRES', get: (token) => token.expires ?? 'never' },
  { title: 'BY', get: (token) => token.by },
]
