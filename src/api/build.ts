/** Builds and releases: what a build is asked for. What they look like is in site.ts. */
import { z } from 'zod'
import { GitRef, GitUrl, SiteName, VersionName } from './app.ts'
import { UploadId } from './resources.ts'
import { OneLine } from './values.ts'

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha256: 64 of 0-9 and a-f')
const WebAddress = z
  .string()
  .max(2000)
  .regex(/^https?:\/\/[^\s@\\]+$/, 'must begin with http:// or https:// and hold no password')
const Commit = z.string().regex(/^[0-9a-f]{7,64}$/, 'must be a commit')

/** Where the code is: a repository, an archive that was uploaded, or one at an address. */
export const BuildSource = z.union([
  z.strictObject({ git: GitUrl, ref: GitRef.default('HEAD') }),
  z.strictObject({
    upload: UploadId,
    /** What people shall read of it. */
    about: OneLine.max(200).default('an archive'),
    commit: Commit.optional(),
    /** Something differs from that commit. */
    dirty: z.boolean().default(false),
  }),
  z.strictObject({ url: WebAddress, sha256: Sha256 }),
])

/** What would be built, for a plan alone: where from, and its croft.toml where that is known. */
export const PlannedBuild = z.strictObject({
  about: OneLine.max(300),
  toml: z
    .string()
    .max(256 * 1024)
    .optional(),
})
export type PlannedBuild = z.input<typeof PlannedBuild>

/** Without a source it is the repository of the app. With `site` it is refused for what that site could not run. */
export const NewBuild = z.strictObject({
  source: BuildSource.optional(),
  version: VersionName.optional(),
  site: SiteName.optional(),
  planned: PlannedBuild.optional(),
})
export type NewBuild = z.input<typeof NewBuild>
export type WantedBuild = z.output<typeof NewBuild>

export const BuildId = z.string().regex(/^[a-z0-9]{8,40}$/, 'must be the id of a build, as croft build ls shows it')
