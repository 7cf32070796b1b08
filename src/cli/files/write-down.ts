/** A folder without croft.toml: what it is is recognised, and written down with what was assumed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { CroftError } from '../../api/errors.ts'
import type { Context } from '../context.ts'

/** Before anything is sent or made because of it. */
export async function checkWritten(): Promise<void> {
  const { problemOfApplication } = await import('../../daemon/main.ts')
  const problem = await problemOfApplication(readFileSync('croft.toml', 'utf8'))
  if (problem !== undefined) throw new CroftError('BAD_VALUE', problem, { hint: 'croft help toml' })
}

/** Never over a file that is there. */
export async function writeDown(context: Context, paths: readonly string[], app: string): Promise<void> {
  if (existsSync('croft.toml')) return
  const { recogniseApplication } = await import('../../daemon/main.ts')
  const found = await recogniseApplication(paths, (path) => readFileSync(path, 'utf8'), app)
  if (found === undefined)
    throw new CroftError('USAGE', 'there is no croft.toml here, and no file tells what this is', {
      hint: 'write one: [app] platform = "plain", [daemon.web] command and port (docs/croft-toml.md)',
    })
  const what = `found ${found.platform} (${found.found.join(', ')})`
  if (context.flags.has('dry-run')) return context.say(`${what} → would write croft.toml`)
  writeFileSync('croft.toml', found.toml, { flag: 'wx' })
  context.say(`${what} → wrote croft.toml, ${found.toml.trimEnd().split('\n').length} lines`)
}
