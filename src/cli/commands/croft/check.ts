import type { CheckChange, RouteCheck } from '../../../api/check.ts'
import type { Finding } from '../../../api/resources.ts'
import { type Answer, type Column, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { columns as findingColumns } from './doctor.ts'

const changeColumns: readonly Column<CheckChange>[] = [
  { title: 'WHEN', as: 'age', get: ({ at }) => at },
  { title: 'VERDICT', as: 'verdict', get: ({ verdict }) => verdict },
  { title: 'CHECK', get: ({ check }) => check },
  { title: 'EVIDENCE', elastic: true, get: ({ evidence }) => evidence },
]

const routeColumns: readonly Column<RouteCheck>[] = [
  { title: 'VERDICT', as: 'verdict', get: ({ verdict }) => verdict },
  { title: 'ROUTE', get: ({ route }) => route },
  { title: 'CHECK', sparse: true, get: (check) => worstOf(check)?.check },
  { title: 'EVIDENCE', elastic: true, get: (check) => (worstOf(check) ?? check.findings.at(-1))?.evidence },
  { title: 'MEND', sparse: true, get: (check) => worstOf(check)?.mend },
  { title: 'LOOKED', as: 'age', get: ({ at }) => at },
]

export async function run(context: Context): Promise<Answer> {
  const route = context.args.maybe('ROUTE')
  if (route === undefined) return everyRoute(items(await context.client.request('listChecks')))
  const history = context.flags.has('history')
  const seen = await context.client.request('getCheck', { params: { route }, query: { now: !history } })
  if (history) return historyOf(seen)
  return rows(seen.findings, findingColumns, {
    name: ({ check }) => check,
    news: ({ verdict, mend }) => `${verdict} ${mend}`,
    exit: exitOf(seen.findings),
  })
}

function everyRoute(checks: readonly RouteCheck[]): Answer {
  return rows(checks, routeColumns, {
    name: ({ route }) => route,
    news: (check) => `${check.verdict} ${worstOf(check)?.check} ${worstOf(check)?.mend}`,
    empty: 'no routes to look at: croft route add shop.example.org web',
    exit: exitOf(checks.flatMap(({ findings }) => findings)),
  })
}

const historyOf = ({ route, changes }: RouteCheck): Answer =>
  rows(changes.toReversed(), changeColumns, {
    name: ({ at, check }) => `${at} ${check}`,
    empty: `nothing has changed at ${route} since it is looked at`,
  })

const exitOf = (findings: readonly Finding[]): number => (findings.some(({ verdict }) => verdict === 'red') ? 9 : 0)

const worstOf = ({ findings }: RouteCheck): Finding | undefined =>
  findings.find(({ verdict }) => verdict === 'red') ?? findings.find(({ verdict }) => verdict === 'warn')
