/** Recipes: scripts of builds whose first comment lines say what they are built from. */
import { readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import { type Context, readInput } from '../../context.ts'

export interface Recipe {
  readonly from: string
  readonly packages: readonly string[]
  readonly port: number | undefined
  readonly script: string
}

/** A name of ours, or the path of a file. */
export async function findRecipe(context: Context, word: string): Promise<Recipe> {
  if (/[/.]/.test(word)) return readRecipe(word, await readInput(context, word))
  for (const folder of await folders()) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.sh'))
    if (names.length === 0) continue
    if (names.includes(`${word}.sh`)) return readRecipe(word, await readInput(context, join(folder, `${word}.sh`)))
    const known = names.map((name) => name.slice(0, -3)).sort()
    throw new CroftError('USAGE', `there is no recipe "${word}"`, { hint: `one of ${known.join(', ')}, or ./FILE` })
  }
  throw new CroftError('USAGE', 'croft came without its recipes', { hint: 'name a file, like ./recipe.sh' })
}

/** Beside the bundle, or in the sources. */
async function folders(): Promise<readonly string[]> {
  const here = dirname(await realpath(process.argv[1] ?? '.'))
  return [join(here, 'recipes'), join(here, '../../recipes')]
}

const keys = /^# (recipe|from|packages|port): (.+)$/

/** Pure. The head is the comment lines at the top. */
export function readRecipe(name: string, script: string): Recipe {
  const head = new Map<string, string>()
  for (const line of script.split('\n')) {
    if (!line.startsWith('#')) break
    const [, key = '', value = ''] = keys.exec(line) ?? []
    if (key !== '') head.set(key, value.trim())
  }
  const from = head.get('from')
  if (from === undefined || !head.has('recipe'))
    throw new CroftError('USAGE', `"${name}" is no recipe: its first lines lack "# recipe: …" or "# from: …"`)
  const port = head.get('port')
  if (port !== undefined && !/^[1-9]\d{0,4}$/.test(port))
    throw new CroftError('USAGE', `the recipe "${name}" names no port with "${port}"`)
  const packages = (head.get('packages') ?? '').split(',').filter((word) => word !== '')
  return { from, packages, port: port === undefined ? undefined : Number(port), script }
}
