import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '../../..')
const daemonEntry = 'src/daemon/main.ts'

/** Everything that runs when some command runs; types are gone by then. The daemon behind its one door is not the CLI. */
async function graph(): Promise<{
  files: readonly string[]
  outside: ReadonlySet<string>
  eager: ReadonlySet<string>
}> {
  const result = await build({
    entryPoints: [join(root, 'src/cli/main.ts')],
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    external: ['*/daemon/main.ts'],
    outdir: join(root, 'unwritten'),
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const { inputs } = result.metafile
  const outside = new Set<string>()
  for (const { imports } of Object.values(inputs)) for (const each of imports) if (each.external) outside.add(each.path)
  const eager = new Set<string>()
  const visit = (file: string) => {
    if (eager.has(file)) return
    eager.add(file)
    for (const each of inputs[file]?.imports ?? []) {
      if (each.kind === 'import-statement') visit(each.external ? `outside ${each.path}` : each.path)
    }
  }
  visit('src/cli/main.ts')
  return { files: Object.keys(inputs), outside, eager }
}

test('the CLI loads no zod, no node:http, no fastify, no schemas', async () => {
  const { files, outside } = await graph()
  assert.deepEqual(
    [...outside].filter((name) => !/^node:/.test(name) && !name.endsWith(daemonEntry.slice(3))),
    [],
  )
  // node:crypto hashes files that are sent or got, in the commands that do; none waits for it otherwise (see below).
  for (const heavy of ['node:http', 'node:https', 'node:sqlite']) assert.ok(!outside.has(heavy), heavy)
  for (const file of files)
    assert.match(
      file,
      /^(src\/cli\/|src\/api\/(errors|frames|instances|nearest|pinned|route|routes|[a-z]+-routes)\.ts$|src\/version\.ts$)/,
    )
})

test('what every command waits for stays small', async () => {
  const { eager } = await graph()
  const outside = [...eager].filter((file) => file.startsWith('outside ')).map((file) => file.slice('outside '.length))
  assert.deepEqual(outside.sort(), ['node:fs'])
  assert.deepEqual(
    [...eager].filter((file) => file.includes('/commands/')),
    [],
  )
})

test('a command loads no network before it asks a daemon, and into a pipe no terminal', () => {
  const loadedBy = (...words: string[]) => {
    const args = ['--require', join(root, 'test/fixtures/tell-modules.cjs'), join(root, 'src/cli/main.ts'), ...words]
    const env = { PATH: process.env.PATH, CROFT_SOCKET: '/nonexistent/sock' }
    return new Set(spawnSync(process.execPath, args, { env, encoding: 'utf8' }).stderr.split('\n'))
  }
  const rare = ['net', 'tty', 'tls', 'child_process', 'readline', 'http', 'crypto'].map(
    (name) => `NativeModule ${name}`,
  )
  for (const words of [['version'], ['help'], ['create', '--help'], ['nonsense']]) {
    const loaded = loadedBy(...words)
    assert.ok(loaded.has('NativeModule fs'), 'the list was told')
    assert.deepEqual(
      rare.filter((name) => loaded.has(name)),
      [],
      words.join(' '),
    )
  }
  const asking = loadedBy('ls')
  assert.deepEqual(
    rare.filter((name) => asking.has(name)),
    ['NativeModule net'],
  )
})

test('processes are started in one file', async () => {
  const { files } = await graph()
  const starters = files.filter(
    (file) => file.endsWith('.ts') && /node:child_process/.test(readFileSync(join(root, file), 'utf8')),
  )
  assert.deepEqual(starters, ['src/cli/process/spawn.ts'])
})
