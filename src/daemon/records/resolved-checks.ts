/** What must be so of a configuration before instances of it are made. */
import type { ResolvedConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { secretPaths } from '../../plan/config/resolve.ts'
import { atPath, wrongAt } from '../../plan/config/wrong.ts'

export interface KnownSecrets {
  readonly site: string
  readonly names: readonly string[]
  /** There is no such site yet, and so no place for its secrets. */
  readonly isFresh: boolean
}

/** All that are missing at once: they are set one after another. */
export function assertSecrets(config: ResolvedConfig, { site, names, isFresh }: KnownSecrets): void {
  const paths = secretPaths(config)
  const missing = [...paths.keys()].filter((name) => !names.includes(name)).sort()
  const [first = ''] = missing
  if (missing.length === 0) return
  const hint = [...(isFresh ? [`croft site add ${site}`] : []), `croft secret set ${site} ${first}`].join(' · ')
  const message = `${site} has no ${missing.length === 1 ? 'secret' : 'secrets'} ${missing.join(', ')}`
  throw atPath(paths.get(first) ?? '', new CroftError('REFUSED', message, { hint }))
}

/** A volume larger than all there is would be a limit that nothing reaches. */
export function assertData({ data }: ResolvedConfig, totalBytes: number | null): void {
  const large = Object.entries(data).find(
    ([, { sizeBytes }]) => totalBytes !== null && sizeBytes > Math.max(totalBytes, 1024 ** 3),
  )
  if (large) throw wrongAt(`data.${large[0]}.size`, `data.${large[0]}.size is more than the pool has`, 'croft pool ls')
}
