/** What a platform is: the lowest layer, how its code is recognised, and what its instances need beside their units. */
import type { AppConfig, PlatformName, ResolvedConfig, SeedFile } from '../../api/app.ts'

export interface Detected {
  readonly platform: PlatformName
  /** What is written into croft.toml: what differs from the platform's own defaults, and what is worth seeing. */
  readonly config: AppConfig
  /** `server.js`, `package.json with a start script`: why it is this. */
  readonly found: readonly string[]
  /** Path → what was assumed: the comment behind it. */
  readonly assumed: Readonly<Record<string, string>>
}

export type Read = (path: string) => string | undefined

export interface Platform {
  readonly defaults: AppConfig
  /** By the names of files, relative to the checkout, and the text of few. Undefined: this is something else. */
  detect(files: readonly string[], read: Read): Detected | undefined
  /** Services that its packages would start by themselves. */
  readonly masks?: readonly string[]
  /** Configuration of its server. */
  files?(config: ResolvedConfig): readonly SeedFile[]
}
