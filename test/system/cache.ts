/**
 * One btrfs file that all test farms of this machine share, with the template built once. It stays mounted while any test
 * farm lives; CROFT_TEST_CACHE says where it lies. Locks are held by `flock` processes: they end with whoever took them.
 */
import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readRecipe } from '../../src/cli/commands/template/recipes.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import type { TemplateSource } from '../../src/drivers/template/driver.ts'
import { createMmdebstrap } from '../../src/drivers/template/mmdebstrap/index.ts'
import { defaultUidBase, uidOf, uidSlots } from '../../src/plan/addresses.ts'
import { putInMemory, takeFromMemory } from '../memory.ts'

const run = createRunner()
const fileBytes = 60 * 1024 ** 3
const keptTemplates = 4
/** The kernel's work to free a disk grows with its files, and here many are made and removed: what no test reads goes. */
const unread = ['doc', 'man', 'locale', 'zoneinfo', 'bash-completion', 'perl', 'lintian', 'info', 'i18n']
export const cacheDir = process.env.CROFT_TEST_CACHE || '/var/cache/croft-test'
export const cachePool = join(cacheDir, 'farms')

export interface Cache {
  readonly template: CachedTemplate
  close(): Promise<void>
}

export interface CachedTemplate {
  readonly path: string
  /** What croft writes beside a template: all it needs to take it in. */
  readonly manifest: { readonly id: string; readonly ref: string } & Readonly<Record<string, unknown>>
}

export async function openCache(): Promise<Cache> {
  await mkdir(cacheDir, { recursive: true, mode: 0o755 })
  await chmod(cacheDir, 0o755)
  const turn = await lock('turn.lock', 'exclusive')
  try {
    await mountPool()
    const template = await ensureTemplate()
    const using = await lock('using.lock', 'shared')
    return { template, close: () => closeCache(using) }
  } finally {
    await turn.release()
  }
}

/** The last one out unmounts. */
async function closeCache(using: Lock): Promise<void> {
  const turn = await lock('turn.lock', 'exclusive')
  try {
    await using.release()
    const file = join(cacheDir, 'using.lock')
    await run.outcome({ file: 'flock', args: ['-n', '-x', file, 'umount', cachePool], timeoutMs: 120_000 })
  } finally {
    await turn.release()
  }
}

interface Lock {
  release(): Promise<void>
}

async function lock(name: string, kind: 'shared' | 'exclusive'): Promise<Lock> {
  const file = join(cacheDir, name)
  const child = spawn('flock', [kind === 'shared' ? '-s' : '-x', file, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // Waited for from the start: a signal to the whole group may end it before it is released.
  const gone = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), gone])
  child.unref()
  return {
    async release() {
      child.ref()
      child.stdin.end()
      await gone
    },
  }
}

async function mountPool(): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  if (mounts.split('\n').some((line) => line.split(' ')[1] === cachePool)) return
  const file = join(cacheDir, 'farms.img')
  if ((await stat(file).catch(() => undefined)) === undefined) {
    const handle = await open(`${file}.new`, 'w', 0o600)
    await handle.truncate(fileBytes)
    await handle.close()
    await run.run({ file: 'mkfs.btrfs', args: ['-q', `${file}.new`], timeoutMs: 60_000 })
    await rename(`${file}.new`, file)
  }
  await mkdir(cachePool, { recursive: true, mode: 0o700 })
  // Deleted subvolumes are freed at commits: the usual 30 s are too long to wait here.
  await run.run({ file: 'mount', args: ['-o', 'loop,noatime,commit=1', file, cachePool], timeoutMs: 60_000 })
  await chmod(cachePool, 0o700)
}

async function ensureTemplate(): Promise<CachedTemplate> {
  const key = (await hashOf(new URL('../../src/drivers/template', import.meta.url).pathname)).slice(0, 16)
  return ensureBuilt('templates', key, { ref: 'debian:12', source: { from: 'debian:12', packages: [] } })
}

/** A template of a recipe, built once as long as the recipe stays. The farm that asks keeps the pool mounted; others do not wait for it. */
export async function recipeTemplate(name: string): Promise<CachedTemplate> {
  const file = new URL(`../../recipes/${name}.sh`, import.meta.url).pathname
  const { from, packages, script } = readRecipe(name, await readFile(file, 'utf8'))
  const key = createHash('sha256').update(script).update(unread.join()).digest('hex').slice(0, 16)
  const turn = await lock('recipes.lock', 'exclusive')
  try {
    return await ensureBuilt('recipes', key, { ref: `${name}:v1`, source: { from, packages, script } })
  } finally {
    await turn.release()
  }
}

/** The test template with more packages, once for each list of them. Who needs none of them does not wait for it. */
export async function mergedTemplate(packages: readonly string[], script: string): Promise<CachedTemplate> {
  const key = createHash('sha256')
    .update(packages.join())
    .update(script)
    .update(unread.join())
    .digest('hex')
    .slice(0, 16)
  const turn = await lock('merged.lock', 'exclusive')
  try {
    return await ensureBuilt('merged', key, { ref: 'merged:v1', source: { from: 'debian:12', packages, script } })
  } finally {
    await turn.release()
  }
}

interface Built {
  readonly ref: string
  readonly source: TemplateSource
}

/** One of a kind is made at a time. */
const kinds = ['templates', 'recipes', 'merged'] as const
type Kind = (typeof kinds)[number]

async function ensureBuilt(kind: Kind, key: string, what: Built): Promise<CachedTemplate> {
  const folder = join(cachePool, kind)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const at = { path: join(folder, key), manifest: join(folder, `${key}.json`) }
  const known = await readFile(at.manifest, 'utf8').catch(() => undefined)
  if (known !== undefined) {
    await utimes(at.manifest, new Date(), new Date())
    return { path: at.path, manifest: JSON.parse(known) }
  }
  await removeOld(folder)
  await rm(at.manifest, { force: true })
  if (await stat(at.path).catch(() => undefined)) await removeTemplate(at.path)
  const manifest = await buildTemplate(at.path, kind, what)
  await writeFile(`${at.manifest}.new`, JSON.stringify(manifest))
  await rename(`${at.manifest}.new`, at.manifest)
  return { path: at.path, manifest }
}

async function buildTemplate(path: string, kind: Kind, { ref, source }: Built): Promise<CachedTemplate['manifest']> {
  const workDir = join(cacheDir, `work-${kind}`)
  await takeFromMemory(workDir)
  await rm(workDir, { recursive: true, force: true })
  await mkdir(workDir, { recursive: true, mode: 0o755 })
  await putInMemory(workDir)
  await run.run({ file: 'btrfs', args: ['subvolume', 'create', path], timeoutMs: 60_000 })
  const { sizeBytes, sha256 } = await createMmdebstrap({ run, workDir }).build(source, path, {
    signal: new AbortController().signal,
    onLine: () => {},
    // Below the slot that daemons build in, above any guest of a test.
    uidBase: uidOf(defaultUidBase, uidSlots - 2 - kinds.indexOf(kind)),
  })
  await takeFromMemory(workDir)
  await rm(workDir, { recursive: true, force: true })
  // PHP asks for the zones.
  const gone = unread.filter((name) => kind !== 'merged' || name !== 'zoneinfo')
  for (const name of gone) await rm(join(path, 'usr/share', name), { recursive: true, force: true })
  const created = new Date().toISOString()
  return { schema: 1, ref, id: randomUUID(), created, source, sizeBytes, sha256 }
}

/** Trees of the source that are being worked on side by side have a template each. */
async function removeOld(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  const used = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })))
  for (const { name } of used.sort((a, b) => b.at - a.at).slice(keptTemplates - 1)) {
    await rm(join(folder, name))
    await removeTemplate(join(folder, basename(name, '.json')))
  }
}

async function removeTemplate(path: string): Promise<void> {
  await run.run({ file: 'btrfs', args: ['subvolume', 'delete', path], timeoutMs: 60_000 })
}

async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256').update(unread.join())
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const path of entries.flatMap((e) => (e.isFile() ? [join(e.parentPath, e.name)] : [])).sort())
    hash.update(path.slice(dirname(folder).length)).update(await readFile(path))
  return hash.digest('hex')
}
