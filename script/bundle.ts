/**
 * Bundles the command into dist/: the CLI as one script, whose start is what people feel, with a cache of what V8 compiled
 * (warm.ts); the daemon as a file of its own, loaded only by `croft daemon`, in Node's compile cache.
 *
 * Measured, of 17 ms that `croft ls` took beyond an empty script: this cache instead of Node's took 4 away. A file a command,
 * shorter names, modules as closures, a snapshot: nothing, or worse.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
const cacheFolder = told.cache ?? join(dist, '.compile-cache')

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

/** What Fastify and pino can do and this daemon never asks for: a megabyte of it would be loaded, or lie there as text. */
const unused: Plugin = {
  name: 'unused',
  setup(bundle) {
    const names =
      /^(node:http2|thread-stream|light-my-request|@fastify\/ajv-compiler|@fastify\/fast-json-stringify-compiler)$/
    bundle.onResolve({ filter: names }, ({ path, importer }) =>
      importer.includes('/node_modules/') ? { path, namespace: 'unused' } : undefined,
    )
    bundle.onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/** `croft daemon` loads the daemon's own file instead of carrying it along. */
const daemonApart: Plugin = {
  name: 'daemon-apart',
  setup(bundle) {
    bundle.onResolve({ filter: /\/daemon\/main\.ts$/ }, () => ({ path: 'daemon', namespace: 'apart' }))
    bundle.onLoad({ filter: /./, namespace: 'apart' }, () => ({
      contents: `require('node:module').enableCompileCache(${JSON.stringify(cacheFolder)}); module.exports = require('./daemon.cjs')`,
      loader: 'js',
    }))
    bundle.onResolve({ filter: /\/daemon\.cjs$/ }, ({ path }) => ({ path, external: true }))
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
/** acme-client is CommonJS: what it requires must be found from an ES module. */
const required = {
  js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
}
await build({
  ...common,
  entryPoints: [join(root, 'src/cli/main.ts')],
  outfile: join(dist, 'cli.cjs'),
  format: 'cjs',
  // import() would load Node's whole module loader, for 4 ms.
  supported: { 'dynamic-import': false },
  banner: { js: '(function(require,module){' },
  footer: { js: '})' },
  plugins: [daemonApart, numbered],
})
// An ES module that imports node:http touches all that it exports, and that loads undici: 3 MB of heap, 16 MB resident.
await build({
  ...common,
  entryPoints: [join(root, 'src/daemon/main.ts')],
  outfile: join(dist, 'daemon.cjs'),
  format: 'cjs',
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'OWN_URL' },
  banner: { js: "const OWN_URL = require('node:url').pathToFileURL(__filename).href;" },
  plugins: [onlyEnglish, unused, numbered],
})
// Reads archives, as a process of its own that may do nothing else.
await build({
  ...common,
  entryPoints: [join(root, 'src/drivers/image/reader/main.ts')],
  outfile: join(dist, 'reader.mjs'),
  format: 'esm',
})
// Talks to ACME servers, as a process of its own.
await build({
  ...common,
  entryPoints: [join(root, 'src/drivers/acme/client/main.ts')],
  outfile: join(dist, 'acme.mjs'),
  format: 'esm',
  banner: required,
})
cpSync(join(root, 'recipes'), join(dist, 'recipes'), { recursive: true })
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n')

// V8 takes a cache for any source that is as long: the name says of which one it is. What esbuild writes is ASCII.
const hash = createHash('sha256').update(readFileSync(join(dist, 'cli.cjs')))
const cacheFile = join(cacheFolder, `cli-${hash.digest('hex').slice(0, 16)}`)
const entry = join(dist, 'croft')
writeFileSync(
  entry,
  `#!${told.node ?? process.execPath}
const { readFileSync } = require('node:fs')
const { Script } = require('node:vm')
const filename = __dirname + '/cli.cjs'
let cachedData
try { cachedData = readFileSync(${JSON.stringify(cacheFile)}) } catch {}
new Script(readFileSync(filename, 'latin1'), { filename, cachedData }).runInThisContext()(require, {})
`,
)
chmodSync(entry, 0o755)
await build({
  ...common,
  entryPoints: [join(root, 'script/warm.ts')],
  outfile: join(dist, 'warm.mjs'),
  format: 'esm',
  define: { CACHE_FILE: JSON.stringify(cacheFile) },
})
if (told.node === undefined) {
  mkdirSync(cacheFolder, { recursive: true })
  execFileSync(process.execPath, [join(dist, 'warm.mjs')], { stdio: ['ignore', 'ignore', 'pipe'] })
}
