import { CroftError } from '../../../api/errors.ts'
import type { Answer } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { jsonText } from '../../screen/render.ts'
import { errorBody, RemoteError } from '../../wire/request.ts'
import { parseJson } from '../data/set.ts'

export async function run(context: Context): Promise<Answer> {
  const method = context.args.one('METHOD').toUpperCase()
  const path = context.args.one('PATH')
  if (!/^(GET|POST|PATCH|PUT|DELETE)$/.test(method)) throw new CroftError('USAGE', `"${method}" is not a method`)
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new CroftError('USAGE', `"${path}" is not a path like /v1/guests`)
  const given = context.flags.text('data')
  const body = given === undefined ? undefined : parseJson(given === '-' ? await context.io.readStdin() : given)
  const reply = await context.client.raw(method, path, body === undefined ? {} : { body })
  const value = readValue(reply.body)
  if (reply.status >= 400) throw new RemoteError(errorBody(reply, value))
  return { kind: 'text', text: typeof value === 'string' ? value : jsonText(value, 2), record: value }
}

function readValue(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return text
  }
}
