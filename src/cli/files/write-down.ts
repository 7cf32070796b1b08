/** A folder's croft.toml. Where there is none, what it is is recognised, and written down with what was assumed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { CroftError } from '../../api/errors.ts'
import type { Context } from '../context.ts'

/** Its text: the farm reads it before anything is sent or made. Never written over a file that is there. */
export async function croftToml(context: Context, paths: readonly string[], app: string): Promise<string> {
  if (existsSync('croft.toml')) return readFileSync('croft.toml', 'utf8')
  const { recogniseApplication } = await import('../../daemon/main.ts')
  const found = await recogniseApplication(paths, (path) => readFileSync(path, 'utf8'), app)
  if (found === undefined)
    throw new CroftError('USAGE', 'there is no croft.toml here, and no file tells what this is', {
      hint: 'write one: [app] platform = "plain", [daemon.web] command and port (docs/croft-toml.md)',
    })
  const what = `found ${found.platform} (${found.found.join(', ')})`
  if (context.flags.has('dry-run')) context.say(`${what} → would write croft.toml`)
  else {
    writeFileSync('croft.toml', found.toml, { flag: 'wx' })
    context.say(`${what} → wrote croft.toml, ${found.toml.trimEnd().split('\n').length} lines`)
  }
  return found.toml
}
