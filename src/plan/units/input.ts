/** What units are made from, and where an instance has its files. */
import type { ResolvedConfig } from '../../api/app.ts'
import { withSecrets } from '../config/interpolate.ts'

export interface InstanceInput {
  readonly config: ResolvedConfig
  /** `shop/prod` */
  readonly site: string
  readonly slot: number
  /** `shop/prod/4` */
  readonly name: string
  /** `shop:v1.2` */
  readonly release: string
  readonly farm: string
  /** All of the site, opened. */
  readonly secrets: Readonly<Record<string, string>>
}

export const environmentFile = '/etc/croft/environment'
export const credentialsFolder = '/etc/croft/credentials'
export const unitFolder = '/etc/systemd/system'

export const opened = (env: Readonly<Record<string, string>>, secrets: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, withSecrets(value, secrets)]))
