/**
 * Bases of builds, made of packages as the builder makes them, but all at once: one root with what every example, every fetching of
 * a repository and every recipe needs, kept between runs, stands for each of them. So no test asks Debian for packages.
 */
import { randomUUID } from 'node:crypto'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { baseName } from '../../src/daemon/farm/build-base.ts'
import { gitPackages } from '../../src/daemon/farm/build-git.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { parseAppFile } from '../../src/plan/config/parse.ts'
import { resolveBuild } from '../../src/plan/config/resolve.ts'
import { platforms } from '../../src/plan/platforms/table.ts'
import { mergedTemplate } from './cache.ts'
import type { TestFarm } from './farm.ts'

export const examples = ['static', 'plain', 'node', 'php', 'python', 'java', 'jetty'] as const
export type Example = (typeof examples)[number]
export const exampleFolder = (name: Example): string => new URL(`../../examples/${name}`, import.meta.url).pathname

const serverPackages = ['openssh-server']

async function packagesOf(name: Example): Promise<readonly string[]> {
  const config = parseAppFile(await readFile(join(exampleFolder(name), 'croft.toml'), 'utf8'))
  const lowest = { name: 'platform', from: name, config: platforms[name].defaults } as const
  return resolveBuild([lowest, { name: 'app', from: 'croft.toml', config }], name).build.packages
}

async function merged() {
  const lists = await Promise.all(examples.map(packagesOf))
  return mergedTemplate([...new Set([...lists.flat(), ...gitPackages, ...serverPackages])].sort())
}

/** Where it lies, for what runs programs of it. */
export const mergedRoot = async (): Promise<string> => (await merged()).path

interface Base {
  readonly ref: string
  /** Services of packages that this base would not have. */
  readonly quiet: readonly string[]
}
const services = [...new Set(Object.values(platforms).flatMap(({ masks }) => masks ?? []))]

/** What the first build of an example would make: services that its packages start are there, those of others are not. */
export async function addExampleBases(farm: TestFarm, names: readonly Example[]): Promise<void> {
  const baseOf = async (name: Example): Promise<Base> => ({
    ref: baseName(farm.template.manifest.id, await packagesOf(name)),
    quiet: services.filter((service) => !platforms[name].masks?.includes(service)),
  })
  await addBases(farm, await Promise.all(names.map(baseOf)))
}

export const addGitBase = (farm: TestFarm): Promise<void> =>
  addBases(farm, [{ ref: baseName(farm.template.manifest.id, gitPackages), quiet: services }])

export async function addBases(farm: TestFarm, bases: readonly Base[]): Promise<void> {
  const { path, manifest } = await merged()
  const run = createRunner()
  const btrfs = (...args: string[]) => run.run({ file: 'btrfs', args, timeoutMs: 60_000 })
  for (const { ref, quiet } of bases) {
    const id = randomUUID()
    const to = join(farm.poolDir, 'templates', id)
    await btrfs('subvolume', 'snapshot', path, to)
    for (const service of quiet) await symlink('/dev/null', join(to, 'etc/systemd/system', service))
    await btrfs('property', 'set', '-ts', to, 'ro', 'true')
    await writeFile(`${to}.json`, JSON.stringify({ ...manifest, id, ref }), { mode: 0o600 })
  }
  await farm.croftOk('host', 'apply', '--adopt')
  for (const { ref } of bases)
    await farm.waitFor(async () => (await farm.json<{ state: string }>('template', 'show', ref)).state === 'ready')
}
