import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { guestPath, openFiles } from '../../files/guest-files.ts'
import { createMeter } from '../../files/meter.ts'
import { transferred, untilInterrupted } from '../../files/outcome.ts'
import { latin1, ownerOf, pushTo } from '../../files/push.ts'
import { spool } from '../../files/spool.ts'
import type { LeftOut } from '../../files/unpack.ts'
import { wrongUse } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const word = context.args.one('GUEST:/PATH')
  const target = guestPath(word)
  if (!target) throw wrongUse(`"${word}" is no place in a guest, like web:/etc/motd`)
  const words = context.args.many('FILE')
  const nameless = words.includes('-')
  if (nameless && words.length > 1) throw wrongUse('- stands alone')
  const mode = modeFlag(context)
  if (!nameless) for (const file of words) await mustBeThere(file)
  const files = await openFiles(context, target.guest)
  const owner = await ownerOf(files, context.flags.text('chown'))
  await using stdin = nameless ? await spool(process.stdin) : undefined
  using meter = createMeter(context, `push ${word}`)
  const leftOut: LeftOut[] = []
  const path = await untilInterrupted(context, (signal) =>
    pushTo(files, target, {
      sources: (stdin ? [stdin.path] : words).map((file) => named(resolve(file))),
      ...{ nameless, owner, mode, signal },
      onBytes: (count) => meter.add(count),
      onLeftOut: (left, why) => leftOut.push({ path: left, why }),
    }),
  )
  return transferred(context, { from: words.join(' '), to: `${target.guest}:${path}`, bytes: meter.bytes, leftOut })
}

const named = (path: string) => ({ from: latin1(path), name: latin1(basename(path)) })

function modeFlag(context: Context): number | undefined {
  const text = context.flags.text('chmod')
  if (text === undefined) return undefined
  if (/^[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8)
  throw wrongUse(`--chmod takes a number like 0644, not "${text}"`)
}

async function mustBeThere(file: string): Promise<void> {
  const { name } = await stat(file).then(
    () => ({ name: basename(resolve(file)) }),
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
        throw new CroftError('NOT_FOUND', `there is no ${file} on this host`, { cause })
      throw new CroftError('FAILED', `${file} cannot be read: ${cause.message}`, { cause })
    },
  )
  if (name === '') throw new CroftError('USAGE', 'the whole host is not pushed')
}
