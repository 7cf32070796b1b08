import type { EdgeRoute } from '../../../api/edge.ts'
import type { Column } from '../../answer.ts'

export const routeColumns: readonly Column<EdgeRoute>[] = [
  { title: 'NAME', get: (route) => route.name },
  { title: 'STATE', as: 'state', get: (route) => route.state },
  { title: 'TARGET', get: (route) => route.target },
  { title: 'CERTIFICATE', get: certificateText },
  { title: 'REQUESTS', as: 'number', get: (route) => route.requests },
  { title: 'PREVIEW', wide: true, get: (route) => route.preview },
  { title: 'AGE', wide: true, as: 'age', get: (route) => route.created },
  { title: 'REASON', elastic: true, sparse: true, get: (route) => route.reason ?? route.certificate?.reason ?? null },
  { title: 'MEND', sparse: true, get: (route) => route.mend },
]

/** `farm until 2027-02-19` */
export function certificateText({ certificate }: EdgeRoute): string | null {
  return certificate && `${certificate.kind} until ${certificate.expires.slice(0, 10)}`
}

const words = {
  ...{ serves: 'serves', maintenance: 'in maintenance', waits: 'waits' },
  ...{ 'no-target': 'has no target', 'no-answer': 'is not answered' },
} as const

/** What was made of it, in one line. */
export function routeLine({ name, target, state, reason }: EdgeRoute): string {
  const why = reason === undefined ? '' : `: ${reason}`
  return `${name} → ${target}${state === 'serves' ? '' : `  ${words[state]}${why}`}`
}
