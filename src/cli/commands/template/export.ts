import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { CroftError } from '../../../api/errors.ts'
import { routes } from '../../../api/routes.ts'
import { type Answer, done, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { createMeter } from '../../files/meter.ts'
import { standardStream } from '../../io.ts'
import { bytesText } from '../../screen/cells.ts'
import { fillPath } from '../../wire/request.ts'
import { download } from '../../wire/transfer.ts'
import { withInterrupt } from '../../work/follow.ts'

export async function run(context: Context): Promise<Answer> {
  const ref = context.args.one('TEMPLATE')
  const to = context.args.one('FILE')
  const hash = createHash('sha256')
  using meter = createMeter(context, 'got')
  const line = await context.client.line()
  const path = fillPath(routes.exportTemplate.path, { template: ref })
  const get = (sink: (piece: Buffer) => Promise<void>) =>
    withInterrupt(context, (signal) =>
      download({ line, path, signal, onBytes: (count) => meter.add(count) }, (piece) => {
        hash.update(piece)
        return sink(piece)
      }),
    )
  if (to === '-') {
    if (context.io.stdout.tty)
      throw new CroftError('USAGE', 'an archive is not for a terminal', { hint: `croft template export ${ref} FILE` })
    await get(writeStdout)
    context.say(`sha256 ${hash.digest('hex')}`)
    return silent()
  }
  await intoFile(to, get)
  const sha256 = hash.digest('hex')
  return done(to, `${to}  ${bytesText(meter.bytes)}  sha256 ${sha256}`, {
    record: { file: to, bytes: meter.bytes, sha256 },
    hint: `croft template import ${ref.split(':')[0]}:copy ${to} --sha256 ${sha256}`,
  })
}

/** Under another name until it is whole; what was there before stays when it fails. */
async function intoFile(path: string, get: (sink: (piece: Buffer) => Promise<void>) => Promise<void>): Promise<void> {
  const unfinished = `${path}.part`
  const file = await open(unfinished, 'w', 0o600).catch((cause: Error) => {
    throw new CroftError('USAGE', `"${path}" cannot be written: ${cause.message}`, { cause })
  })
  try {
    await get(async (piece) => void (await file.writeFile(piece)))
    await file.close()
    await rename(unfinished, path)
  } catch (thrown) {
    await file.close().catch(() => {})
    await rm(unfinished, { force: true })
    throw thrown
  }
}

function writeStdout(piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    standardStream(1).write(piece, (error) => (error ? reject(error) : resolve()))
  })
}
