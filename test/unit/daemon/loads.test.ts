/** What a daemon loads when it starts: a host alone pays for no other, and people for no package that nothing asks. */
import assert from 'node:assert/strict'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '../../..')

const files = await eager()

async function eager(): Promise<readonly string[]> {
  const { metafile } = await build({
    ...{ entryPoints: [join(root, 'src/daemon/main.ts')], absWorkingDir: root, outdir: join(root, 'unwritten') },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', packages: 'external' },
    ...{ write: false, metafile: true, logLevel: 'silent' },
  })
  const seen = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    for (const { kind, path, external } of metafile.inputs[file]?.imports ?? [])
      if (kind === 'import-statement') visit(external ? `outside ${path}` : path)
  }
  visit('src/daemon/main.ts')
  return [...seen].sort()
}

test('a host alone loads of several hosts what notices a second one, and no more', () => {
  const several =
    /^src\/(store\/etcd|drivers\/(member|mesh)|daemon\/(members|join|store-move|mesh|peers|placing|moves|farm\/leader))/
  assert.deepEqual(
    files.filter((file) => several.test(file)),
    [
      ...['farm/leader.ts', 'join/lazy.ts', 'members/lazy.ts', 'mesh/elsewhere.ts', 'mesh/mesh.ts', 'mesh/place.ts'],
      ...['moves/drains.ts', 'moves/moves.ts'],
      ...['peers/ask-all.ts', 'peers/caller.ts', 'peers/far-inside.ts', 'peers/read-answer.ts'],
      ...['store-move/gate.ts', 'store-move/place.ts'],
    ]
      .map((file) => `src/daemon/${file}`)
      .concat('src/drivers/mesh/routes.ts'),
  )
})

test('of packages, those that every daemon needs', () => {
  const outside = files.filter((file) => /^outside (?!node:)/.test(file))
  assert.deepEqual(
    outside.map((file) => file.slice('outside '.length)),
    ['fastify', 'pino', 'zod'],
  )
})
