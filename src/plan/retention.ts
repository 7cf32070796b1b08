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
/** Of one app, and of those that no release was built on; and of all together. */
export const keptBases = { ofApp: 5, ofFarm: 40 }

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

/**
 * A base stays while there is a release that was built on it, for the next one will be too, but only so many of each app and of
 * all: who was built on longest ago goes first, and is made again when it is asked for. Releases need it no more.
 */
export function oldBases(bases: readonly KeptBase[], releases: readonly KeptRelease[], now: number): readonly string[] {
  const used = Map.groupBy(releases, ({ base }) => base)
  const seen = bases.map(({ ref, created }) => {
    const on = used.get(ref) ?? []
    const lastUse = [created, ...on.map((release) => release.created)].toSorted().at(-1) ?? created
    return { ref, created, lastUse, apps: on.length === 0 ? [''] : on.map(({ app }) => app) }
  })
  const newestFirst = seen.toSorted((a, b) => (a.lastUse < b.lastUse ? 1 : -1))
  const count = new Map<string, number>()
  const kept = newestFirst.filter(({ apps, created }) => {
    const mine = [...new Set(apps)].filter((app) => (count.get(app) ?? 0) < keptBases.ofApp)
    for (const app of mine) count.set(app, (count.get(app) ?? 0) + 1)
    const isForgotten = apps[0] === '' && now - Date.parse(created) > unusedBaseMs
    return mine.length > 0 && !isForgotten
  })
  const stays = new Set(kept.slice(0, keptBases.ofFarm).map(({ ref }) => ref))
  return bases.map(({ ref }) => ref).filter((ref) => !stays.has(ref))
}
