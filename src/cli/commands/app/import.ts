import { basename, dirname, resolve } from 'node:path'
import type { Answer } from '../../answer.ts'
import { type Context, readInput } from '../../context.ts'

/** Needs no daemon. Its text goes to stdout, so that `> croft.toml` is all that is left to do. */
export async function run(context: Context): Promise<Answer> {
  const file = context.args.one('FILE')
  const app = context.args.maybe('APP') ?? folderName(file)
  const text = await readInput(context, file)
  const { importApplication } = await import('../../../daemon/main.ts')
  const { toml, notes } = await importApplication(text, file, app)
  for (const note of notes) context.say(`! ${note}`)
  return { kind: 'text', text: toml, record: { toml, notes } }
}

/** `shop` for /home/me/Shop/.metactl; `myapp` for /etc/jvmctl/apps/myapp.conf. */
function folderName(file: string): string {
  const name = file.endsWith('.conf')
    ? basename(file, '.conf')
    : file === '-'
      ? 'app'
      : basename(dirname(resolve(file)))
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replace(/^[^a-z]+/, '')
      .slice(0, 32)
      .replace(/-+$/, '') || 'app'
  )
}
