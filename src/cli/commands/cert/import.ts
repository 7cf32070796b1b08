import type { Certificate } from '../../../api/door.ts'
import { type Answer, done } from '../../answer.ts'
import { type Context, readInput } from '../../context.ts'
import { changeAnswer } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const key = context.flags.text('key')
  const files = [context.args.one('FILE'), ...(key === undefined ? [] : [key])]
  const texts: string[] = []
  for (const file of files) texts.push((await readInput(context, file)).trimEnd())
  const body = { pem: `${texts.join('\n')}\n` }
  return changeAnswer(context, { route: 'importCertificate', body }, ({ result }) => {
    const certificate = result as Certificate & { readonly warnings: readonly string[] }
    for (const warning of certificate.warnings) context.say(`! ${warning}`)
    const text = `${certificate.name} imported: ${certificate.names.join(' ')}, ends ${certificate.expires?.slice(0, 10)}`
    return done(certificate.name, text, { record: certificate })
  })
}
