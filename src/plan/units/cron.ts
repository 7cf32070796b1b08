/** A job as a timer and the service that it starts. A service that still runs is not started again: a job is never over itself. */
import type { CronConfig, ResolvedConfig, SeedFile } from '../../api/app.ts'
import { appFolder } from '../../api/app.ts'
import { onCalendar } from '../config/schedule.ts'
import { execLine, hardening, surroundings } from './daemon.ts'
import { type InstanceInput, unitFolder } from './input.ts'
import { unitText } from './text.ts'

export const cronUnit = (name: string): string => `job-${name}`

/** Above the timers that run once for the site: nothing starts it by itself, who has them is said by the loop of rollouts. */
export const jobsTarget = 'croft-jobs.target'

/** What runs once for the site is where the slot is 1. */
export const onceJobs = ({ cron }: ResolvedConfig, slot: number): string[] =>
  slot === 1 ? Object.keys(cron).filter((name) => cron[name]?.on === 'once') : []

export function jobsFiles({ config, site, slot }: InstanceInput): SeedFile[] {
  if (onceJobs(config, slot).length === 0) return []
  const text = unitText({
    Unit: [
      ['Description', `Jobs that run once for ${site}`],
      ['PartOf', 'app.target'],
    ],
    Install: [['WantedBy', 'app.target']],
  })
  return [
    { path: `${unitFolder}/${jobsTarget}.wants`, folder: true, mode: 0o755 },
    { path: `${unitFolder}/${jobsTarget}`, mode: 0o644, text },
  ]
}

export function cronFiles(name: string, { config, site, slot, secrets }: InstanceInput): SeedFile[] {
  const job = config.cron[name] as Required<CronConfig>
  if (job.on === 'once' && slot !== 1) return []
  const unit = cronUnit(name)
  const above = job.on === 'once' ? jobsTarget : 'app.target'
  const description = ['Description', `${name} of ${site}`] as const
  const service = unitText({
    Unit: [description, ['After', 'network.target']],
    Service: [
      ['Type', 'oneshot'],
      ['ExecStart', execLine(job.command)],
      ['TimeoutStartSec', String(job.timeoutSeconds)],
      ...surroundings({ user: job.user, folder: appFolder, secrets }),
      ...hardening,
    ],
  })
  const timer = unitText({
    Unit: [description, ['PartOf', above]],
    Timer: [...(onCalendar(job.schedule) ?? []).map((time) => ['OnCalendar', time] as const), ['AccuracySec', '1s']],
    Install: [['WantedBy', above]],
  })
  return [
    { path: `${unitFolder}/${unit}.service`, mode: 0o644, text: service },
    { path: `${unitFolder}/${unit}.timer`, mode: 0o644, text: timer },
    { path: `${unitFolder}/${above}.wants/${unit}.timer`, link: `../${unit}.timer` },
  ]
}
