/** What can be asked of a site: another version, another number of instances, to stop and to start. */
import { z } from 'zod'
import { AppName, VersionName } from './app.ts'
import { PlannedBuild } from './build.ts'
import { DomainOrWildcard } from './domain.ts'
import { Seconds } from './edge.ts'
import { countMeans, mostInstances } from './instances.ts'

const Count = z.coerce.number(countMeans).int(countMeans).min(1, countMeans).max(mostInstances, countMeans)
const Wave = z
  .string()
  .regex(
    /^(\d{1,3}%?,){0,19}(\d{1,3}%?|host)$/,
    'must be numbers of instances, or parts of them, like 1,2 or 25%, or host at the end',
  )

/** `version` absent: what it runs. `anew`: new instances although nothing differs. `back`: the version before, or `version`, with what was set when it ran; `codeOnly`: without.
 * `planned`: with ?dryRun=1, what building that and deploying it would do.
 * `waves`: so many at a time; `host`: those of one host after those of another. `hold`: so long what is new must stay well after each.
 * `queue`: behind the one that is under way, instead of being refused for it. */
export const Deploy = z.strictObject({
  version: VersionName.optional(),
  instances: Count.optional(),
  size: AppName.optional(),
  domains: z.array(DomainOrWildcard).min(1).max(40).optional(),
  waves: Wave.optional(),
  hold: Seconds.refine((seconds) => seconds <= 3600, 'must be at most 1h').optional(),
  anew: z.boolean().optional(),
  back: z.boolean().optional(),
  codeOnly: z.boolean().optional(),
  planned: PlannedBuild.optional(),
  queue: z.boolean().optional(),
})
export type Deploy = z.input<typeof Deploy>

export const SiteAction = z.strictObject({ do: z.enum(['start', 'stop']) })
export type SiteAction = z.infer<typeof SiteAction>
