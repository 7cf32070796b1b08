/** What goes of releases, and of the bases that were made for them. Pure. */
export interface KeptRelease {
  readonly ref: string
  readonly app: string
  readonly created: string
  /** What it was built on. */
  readonly base: string | undefined
}
export interface KeptBase {
  readonly ref: string
  readonly created: string
}

export const keptReleases = 10
const unusedBaseMs = 30 * 24 * 3600 * 1000

/** Of each app the newest stay, and whatever somebody runs or may return to. */
export function oldReleases(
  releases: readonly KeptRelease[],
  inUse: ReadonlySet<string>,
  keep = keptReleases,
): readonly string[] {
  const newestFirst = releases.toSorted((a, b) => (a.created < b.created ? 1 : -1))
  return [...Map.groupBy(newestFirst, ({ app }) => app).values()].flatMap((ofApp) =>
    ofApp
      .slice(keep)
      .map(({ ref }) => ref)
      .filter((ref) => !inUse.has(ref)),
  )
}

/** A base stays while there is a release that was built on it: the next one will be too. */
export function oldBases(bases: readonly KeptBase[], releases: readonly KeptRelease[], now: number): readonly string[] {
  const wanted = new Set(releases.map(({ base }) => base))
  return bases
    .filter(({ ref, created }) => !wanted.has(ref) && now - Date.parse(created) > unusedBaseMs)
    .map(({ ref }) => ref)
}
