/** A farm for a whole file of attacks, which share its guests; and a place on the host that no attack may change. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, afterEach } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import { createTestFarm, type FarmOptions, type TestFarm } from '../system/farm.ts'
import type { Given } from '../system/places.ts'

/** The command, bundled where script/test says so. */
export const entry = process.env.CROFT_ENTRY || new URL('../../src/cli/main.ts', import.meta.url).pathname

/** Its guests stay from test to test; at the end they go, and nothing may be left of them. */
export async function useSharedFarm(options: FarmOptions = {}): Promise<TestFarm> {
  const farm = await createTestFarm(options)
  const empty = await farm.picture()
  let failed = false
  afterEach((context) => {
    if ('passed' in context && !context.passed) failed = true
  })
  after(async () => {
    try {
      await farm.croftOk('rm', '--all', '-y')
      assert.deepEqual(await farm.leftovers(empty), [], 'left over')
    } finally {
      await farm.dispose({ keepLog: failed })
    }
  })
  return farm
}

export interface Canary {
  readonly path: string
  /** Throws when a name, a mode, an owner, a time of change or a byte is another. */
  assertWhole(): Promise<void>
}

/** Files that anyone could write if they could reach them, in folders that anyone could fill. */
export async function plantCanary(files: readonly string[]): Promise<Canary> {
  const path = await mkdtemp('/var/tmp/canary-')
  // Also when the hook of the farm fails, after which no other hook runs.
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  for (const file of files) {
    const at = join(path, file)
    await mkdir(dirname(at), { recursive: true })
    if (file.endsWith('/')) await mkdir(at, { recursive: true })
    else await writeFile(at, `canary ${file}\n`)
  }
  for (const at of await everythingIn(path)) await chmod(at, (await lstat(at)).isDirectory() ? 0o777 : 0o666)
  const before = await portrait(path)
  return { path, assertWhole: async () => assert.deepEqual(await portrait(path), before, 'the canary was touched') }
}

async function everythingIn(path: string): Promise<string[]> {
  return [path, ...(await readdir(path, { recursive: true })).map((name) => join(path, name))]
}

async function portrait(path: string): Promise<string[]> {
  const lines = (await everythingIn(path)).map(async (at) => {
    const stats = await lstat(at)
    const text = stats.isFile()
      ? createHash('sha256')
          .update(await readFile(at))
          .digest('hex')
      : ''
    return `${at} ${stats.mode.toString(8)} ${stats.uid} ${stats.ctimeMs} ${text}`
  })
  return (await Promise.all(lines)).sort()
}

/** As a user without any right. By way of `env`, for setpriv itself keeps what lets it pass folders. */
export const asNobody = (...words: string[]): Given => ({
  file: 'setpriv',
  args: ['--reuid=65534', '--regid=65534', '--clear-groups', '--', 'env', ...words],
})

/** Where the disk of a guest lies on the host. */
export async function rootOf(farm: TestFarm, name: string): Promise<string> {
  const { number, spec } = await farm.json<Guest>('show', name)
  return join(farm.poolDir, 'guests', String(number), 'roots', spec.root.id)
}

/** Runs a script of this folder as the guest's root; each line of it is `name<TAB>what came of it`. */
export async function probe(
  farm: TestFarm,
  guest: string,
  script: string,
  ...words: string[]
): Promise<Map<string, string>> {
  const said = await farm.croftWith(
    { stdin: await readFile(new URL(script, import.meta.url), 'utf8'), timeoutMs: 60_000 },
    ...['exec', guest, '--', 'perl', '-', ...words],
  )
  assert.equal(said.code, 0, said.stderr)
  return new Map(
    said.stdout
      .trimEnd()
      .split('\n')
      .map((line): [string, string] => {
        const [name = '', what = ''] = line.split('\t')
        return [name, what]
      }),
  )
}
