/** What must be so of a configuration before instances of it are made. */
import type { ResolvedConfig } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { secretsOf } from '../../plan/config/resolve.ts'
import { wrongAt } from '../../plan/config/wrong.ts'

export function assertSecrets(site: string, config: ResolvedConfig, names: readonly string[]): void {
  const missing = secretsOf(config).find((name) => !names.includes(name))
  if (missing === undefined) return
  throw new CroftError('REFUSED', `${site} has no secret ${missing}`, { hint: `croft secret set ${site} ${missing}` })
}

/** A volume larger than all there is would be a limit that nothing reaches. */
export function assertData({ data }: ResolvedConfig, totalBytes: number | null): void {
  const large = Object.entries(data).find(
    ([, { sizeBytes }]) => totalBytes !== null && sizeBytes > Math.max(totalBytes, 1024 ** 3),
  )
  if (large) throw wrongAt(`data.${large[0]}.size`, `data.${large[0]}.size is more than the pool has`, 'croft pool ls')
}
