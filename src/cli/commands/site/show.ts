import type { Rollout, Site, SiteExit } from '../../../api/site.ts'
import type { Answer, Field } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { instanceText, readyText } from './columns.ts'

export async function run(context: Context): Promise<Answer> {
  const site = await context.client.request('getSite', { params: { site: context.args.one('SITE') } })
  return { kind: 'record', record: site, name: site.name, fields: fields(site) }
}

function fields(site: Site): Field[] {
  return [
    { title: 'name', value: site.name },
    { title: 'state', value: site.state, as: 'state' },
    ...lines('reason', site.reason?.split('\n') ?? []),
    { title: 'release', value: site.release },
    { title: 'ready', value: site.state === 'empty' ? null : readyText(site) },
    { title: 'size', value: site.size },
    ...lines('domains', site.domains),
    ...lines('instances', site.instances.map(instanceText)),
    ...lines('ended', (site.exits ?? []).map(exitText)),
    ...(site.rollout ? rolloutFields(site.rollout) : []),
    { title: 'created', value: site.created, as: 'age' },
    { title: 'revision', value: site.revision },
  ]
}

const exitText = ({ instance, kind, name, why, times, at }: SiteExit): string => {
  const often = times > 1 ? `, ${times} times, the last at` : ' at'
  return `${instance}  ${kind === 'cron' ? 'cron ' : ''}${name} ${why}${often} ${at.slice(0, 19)}Z`
}

const lines = (title: string, texts: readonly string[]): Field[] =>
  texts.map((value, index) => ({ title: index === 0 ? title : '', value }))

function rolloutFields({ id, from, to, state, step, by, created, lines: said, requests, next }: Rollout): Field[] {
  const way = `${from ?? 'nothing'} → ${to ?? 'nothing'}`
  return [
    { title: 'deploy', value: `${way}  ${state}${state === 'running' ? `, at ${step}` : ''}  by ${by}` },
    { title: '', value: created, as: 'age' },
    ...lines('', state === 'failed' ? (said ?? []) : []),
    ...(requests
      ? [{ title: 'visitors', value: `${requests.failed} of ${requests.all} requests failed meanwhile` }]
      : []),
    { title: 'deploy id', value: id },
    ...(next ? [{ title: 'waits', value: `${next.verb} by ${next.by}  croft op cancel ${next.id}` }] : []),
  ]
}
