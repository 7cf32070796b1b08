/**
 * Bundles the command into dist/: the CLI as one CommonJS file, for Node loads that faster than modules and the CLI's start
 * is what people feel; the daemon as a module of its own, loaded only by `croft daemon`. The entry turns on V8's compile
 * cache, so that the second start does not parse again; this script runs it once to fill the cache.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build, type Plugin } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** The package builds for the places where its files will lie, and fills the cache there. */
const { values: told } = parseArgs({
  options: {
    out: { type: 'string' },
    version: { type: 'string' },
    node: { type: 'string' },
    cache: { type: 'string' },
  },
})
const dist = told.out ?? join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
/** zod carries its messages in fifty languages; croft's own are English. 3 MB of the daemon's memory. */
const onlyEnglish: Plugin = {
  name: 'only-english',
  setup(bundle) {
    bundle.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, ({ path }) => ({
      contents: "export { default as en } from './en.js'",
      resolveDir: dirname(path),
    }))
  },
}

/** `croft daemon` imports the daemon's own file instead of carrying it along. */
const daemonApart: Plugin = {
  name: 'daemon-apart',
  setup(bundle) {
    bundle.onResolve({ filter: /\/daemon\/main\.ts$/ }, () => ({ path: './daemon.mjs', external: true }))
  },
}

const numbered: Plugin = {
  name: 'numbered',
  setup(bundle) {
    if (told.version === undefined) return
    const contents = `export const version = ${JSON.stringify(told.version)}`
    bundle.onLoad({ filter: /\/src\/version\.ts$/ }, () => ({ contents }))
  },
}

const common = {
  bundle: true,
  platform: 'node',
  target: 'node26',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
} as const
await build({
  ...common,
  entryPoints: [join(root, 'src/cli/main.ts')],
  outfile: join(dist, 'cli.cjs'),
  format: 'cjs',
  plugins: [daemonApart, numbered],
})
await build({
  ...common,
  entryPoints: [join(root, 'src/daemon/main.ts')],
  outfile: join(dist, 'daemon.mjs'),
  format: 'esm',
  // pino is CommonJS: what it requires must be found from an ES module.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  plugins: [onlyEnglish, numbered],
})
// Reads archives, as a process of its own that may do nothing else.
await build({
  ...common,
  entryPoints: [join(root, 'src/drivers/image/reader/main.ts')],
  outfile: join(dist, 'reader.mjs'),
  format: 'esm',
})
cpSync(join(root, 'recipes'), join(dist, 'recipes'), { recursive: true })
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n')
const entry = join(dist, 'croft')
writeFileSync(
  entry,
  `#!${told.node ?? process.execPath}
require('node:module').enableCompileCache(${JSON.stringify(told.cache ?? join(dist, '.compile-cache'))})
require('./cli.cjs')
`,
)
chmodSync(entry, 0o755)
for (const words of told.node === undefined ? [['ls'], ['create', '--help'], ['help'], ['version']] : []) {
  try {
    execFileSync(entry, words, { stdio: 'ignore', env: { ...process.env, CROFT_SOCKET: join(dist, 'none.sock') } })
  } catch {
    // `ls` has no daemon to ask here; its code is in the cache all the same
  }
}
