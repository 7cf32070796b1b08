/** DESIGN: imports go downwards only, processes are started in few places, and files stay small. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../../..')
const files = globSync('src/**/*.ts', { cwd: root }).sort()
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

interface Import {
  readonly from: string
  /** A file of ours below src, or the name of a package. */
  readonly what: string
  readonly typeOnly: boolean
}

/** `import type`, `export type … from`, and lists where every name is a type, are gone when the code runs. */
function importsOf(file: string): Import[] {
  const pattern = /^(import|export)\s+(type\s+)?([^;'"]*?\s+from\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm
  return [...textOf(file).matchAll(pattern)].flatMap(([, word, type, names = '', name, dynamic]) => {
    const target = name ?? dynamic ?? ''
    if (word === 'export' && names === '') return []
    const what = target.startsWith('.') ? relative(root, join(root, dirname(file), target)) : target
    const named =
      /\{([^}]*)\}/
        .exec(names)?.[1]
        ?.split(',')
        .map((one) => one.trim()) ?? []
    const allTypes =
      named.length > 0 && !names.includes('}, ') && named.every((one) => one === '' || one.startsWith('type '))
    return [{ from: file, what, typeOnly: type !== undefined || allTypes }]
  })
}

const imports = files.flatMap(importsOf)
const below = (file: string, folder: string): boolean => file.startsWith(`src/${folder}/`)
const wrong = (is: (each: Import) => boolean): string[] =>
  imports.filter(is).map(({ from, what }) => `${from} imports ${what}`)

const ours = imports.filter(({ what }) => what.startsWith('src/'))

/** Who may import what at run time, beside its own folder; types in brackets. */
const walls: Readonly<Record<string, { readonly runs: readonly string[]; readonly types: readonly string[] }>> = {
  api: { runs: [], types: [] },
  plan: { runs: ['api'], types: ['drivers'] },
  store: { runs: ['api'], types: [] },
  // Two files of plain arithmetic: numbers to addresses, and ranges of addresses.
  drivers: { runs: ['api', 'plan/addresses.ts', 'plan/firewall/ranges.ts'], types: [] },
  daemon: { runs: ['api', 'plan', 'store', 'drivers', 'version.ts'], types: [] },
  cli: { runs: ['api', 'version.ts', 'daemon/main.ts'], types: [] },
}

test('there is a wall around every folder of src', () => {
  const folders = new Set(files.map((file) => file.split('/')[1]).filter((name) => !name?.endsWith('.ts')))
  assert.deepEqual([...folders].sort(), Object.keys(walls).sort())
  assert.ok(imports.length > 300 && ours.length > 200, 'imports were found')
})

for (const [folder, { runs, types }] of Object.entries(walls)) {
  test(`${folder} imports downwards only`, () => {
    const may = (what: string, names: readonly string[]) =>
      names.some((name) => what === `src/${name}` || what.startsWith(`src/${name}/`))
    assert.deepEqual(
      wrong(
        ({ from, what, typeOnly }) =>
          below(from, folder) &&
          what.startsWith('src/') &&
          !may(what, [folder, ...runs]) &&
          !(typeOnly && may(what, types)),
      ),
      [],
    )
  })
}

test('the wire and the plans know nothing of Node', () => {
  const nodeFree = (file: string) => below(file, 'plan') || below(file, 'api')
  // isIP is a parser of text.
  const parsers = ['src/api/values.ts imports node:net']
  assert.deepEqual(
    wrong(({ from, what, typeOnly }) => nodeFree(from) && what.startsWith('node:') && !typeOnly).filter(
      (line) => !parsers.includes(line) && !/ imports node:net$/.test(line),
    ),
    [],
  )
  for (const file of files.filter((file) => below(file, 'plan')))
    assert.doesNotMatch(textOf(file), /Date\.now|new Date\(\)|Math\.random|performance\.now|process\.|setTimeout/, file)
})

test('processes are started by exec and by the CLI’s spawn alone, and never through a shell', () => {
  assert.deepEqual(
    wrong(
      ({ from, what }) =>
        /^(node:)?child_process$/.test(what) && !below(from, 'drivers/exec') && from !== 'src/cli/process/spawn.ts',
    ),
    [],
  )
  // The words of a user's command, for the instance's own shell; they go into a unit, or by exec into the guest.
  const inGuests = 'src/plan/config/command.ts'
  for (const file of files.filter((file) => file !== inGuests))
    assert.doesNotMatch(textOf(file), /shell:\s*true|\bexecSync\(|\/bin\/sh['"],\s*['"]-c/, file)
})

test('a driver is named in its own folder, in the table of its family, and where parts are joined', () => {
  const inside = /^src\/drivers\/(runtime|storage|network|firewall|template)\/([a-z0-9]+)\//
  assert.deepEqual(
    wrong(({ from, what, typeOnly }) => {
      const [, family, name] = inside.exec(what) ?? []
      if (family === undefined || typeOnly) return false
      if (below(from, `drivers/${family}/${name}`) || from === `src/drivers/${family}/table.ts`) return false
      return from !== 'src/daemon/start.ts' && !/^src\/daemon\/(doctor|hostprep)\//.test(from)
    }),
    [],
  )
})

test('drivers do nothing on their own account: only the host loop and its kin tell them to', () => {
  assert.deepEqual(
    wrong(
      ({ from, what, typeOnly }) => below(from, 'daemon/http') && what.startsWith('src/drivers/') && !typeOnly,
    ).filter((line) => !/drivers\/(exec\/|[a-z]+\/driver\.ts)/.test(line)),
    [],
  )
})

test('files of src are at most 300 lines, and no drawer has a name that says nothing', () => {
  const all = [...files, ...globSync('test/**/*.ts', { cwd: root })]
  const most = (file: string) => (file.startsWith('src/') ? 300 : 400)
  const long = all.filter((file) => textOf(file).trimEnd().split('\n').length > most(file))
  assert.deepEqual(long, [])
  const drawers = /(^|\/)(utils?|helpers?|managers?|common|misc|lib|shared|core|base)(\/|\.ts$)/
  assert.deepEqual(
    files.filter((file) => drawers.test(file)),
    [],
  )
})

test('no state at the top of a module, no words that promise to come back later', () => {
  for (const file of files) {
    const text = textOf(file)
    assert.doesNotMatch(text, /^(export )?let /m, file)
    assert.doesNotMatch(text, /\b(TODO|FIXME|XXX)\b/, file)
    assert.doesNotMatch(text, /\b(import|export)\b[^\n]*from '\.[^']*(?<!\.ts|\.json|\.pl)'/, file)
  }
})
