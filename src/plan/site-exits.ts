/** What of a site's daemons and jobs has ended by itself, as it is kept and told: pure. */
import type { SiteExit } from '../api/site.ts'
import { type Exit, exitText } from './units/exits.ts'

const kept = 20

/** Newest first; what happens again to the same is counted. */
export function withExits(known: readonly SiteExit[], instance: string, exits: readonly Exit[]): SiteExit[] {
  let all = [...known]
  for (const exit of exits) {
    const { kind, name } = exit
    const before = all.find((each) => each.instance === instance && each.kind === kind && each.name === name)
    const at = new Date(exit.at / 1000).toISOString()
    const now: SiteExit = { instance, kind, name, why: exitText(exit), at, times: (before?.times ?? 0) + 1 }
    all = [now, ...all.filter((each) => each !== before)]
  }
  return all.slice(0, kept)
}

/** `web ended with 1, 12 times`. */
export function exitLine({ kind, name, why, times }: SiteExit): string {
  return `${kind === 'cron' ? `cron ${name}` : name} ${why}${times > 1 ? `, ${times} times` : ''}`
}

export const unitOf = ({ kind, name }: Pick<SiteExit, 'kind' | 'name'>): string =>
  kind === 'cron' ? `job-${name}` : `app-${name}`
