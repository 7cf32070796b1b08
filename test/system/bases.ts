/**
 * Bases of builds, made of packages as the builder makes them, but all at once: one root with what every example, every fetching of
 * a repository and every recipe needs, kept between runs, stands for each of them. So no test asks Debian for packages.
 */
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { baseName } from '../../src/daemon/farm/build-base.ts'
import { gitPackages } from '../../src/daemon/farm/build-git.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { parseAppFile } from '../../src/plan/config/parse.ts'
import { resolveBuild } from '../../src/plan/config/resolve.ts'
import { platforms } from '../../src/plan/platforms/table.ts'
import { quietScript } from '../../src/plan/quiet.ts'
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
  return mergedTemplate([...new Set([...lists.flat(), ...gitPackages, ...serverPackages])].sort(), quietScript([]))
}

/** Where it lies, for what runs programs of it. */
export const mergedRoot = async (): Promise<string> => (await merged()).path

/** What the first build of each would make. */
export async function addExampleBases(farm: TestFarm, names: readonly Example[]): Promise<void> {
  const lists = await Promise.all(names.map(packagesOf))
  await addBases(
    farm,
    lists.map((packages) => baseName(farm.template.manifest.id, packages)),
  )
}

export const addGitBase = (farm: TestFarm): Promise<void> =>
  addBases(farm, [baseName(farm.template.manifest.id, gitPackages)])

export async function addBases(farm: TestFarm, refs: readonly string[]): Promise<void> {
  const { path, manifest } = await merged()
  const run = createRunner()
  for (const ref of refs) {
    const id = randomUUID()
    const to = join(farm.poolDir, 'templates', id)
    await run.run({ file: 'btrfs', args: ['subvolume', 'snapshot', '-r', path, to], timeoutMs: 60_000 })
    await writeFile(`${to}.json`, JSON.stringify({ ...manifest, id, ref }), { mode: 0o600 })
  }
  await farm.adopt(...refs)
}
