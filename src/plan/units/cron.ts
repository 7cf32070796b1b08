/** A job as a timer and the service that it starts. A service that still runs is not started again: a job is never over itself. */
import type { CronConfig, SeedFile } from '../../api/app.ts'
import { appFolder } from '../../api/app.ts'
import { onCalendar } from '../config/schedule.ts'
import { execLine, hardening, surroundings } from './daemon.ts'
import { type InstanceInput, unitFolder } from './input.ts'
import { unitText } from './text.ts'

export const cronUnit = (name: string): string => `job-${name}`

/** What runs once for the site runs where the slot is 1. */
export function cronFiles(name: string, { config, site, slot, secrets }: InstanceInput): SeedFile[] {
  const job = config.cron[name] as Required<CronConfig>
  if (job.on === 'once' && slot !== 1) return []
  const unit = cronUnit(name)
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
    Unit: [description, ['PartOf', 'app.target']],
    Timer: [...(onCalendar(job.schedule) ?? []).map((time) => ['OnCalendar', time] as const), ['AccuracySec', '1s']],
    Install: [['WantedBy', 'app.target']],
  })
  return [
    { path: `${unitFolder}/${unit}.service`, mode: 0o644, text: service },
    { path: `${unitFolder}/${unit}.timer`, mode: 0o644, text: timer },
    { path: `${unitFolder}/app.target.wants/${unit}.timer`, link: `../${unit}.timer` },
  ]
}
