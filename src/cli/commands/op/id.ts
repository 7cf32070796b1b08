import { CroftError, isCode } from '../../../api/errors.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'

const wholeLength = 20
const mostListed = 1000

/** The whole id, or a beginning that only one operation has. */
export async function operationId(context: Context): Promise<string> {
  const word = context.args.one('OPERATION')
  if (word.length >= wholeLength || !/^[a-z0-9]+$/.test(word)) return word
  if (await isWhole(context, word)) return word
  const all = items(await context.client.request('listOperations', { query: { limit: mostListed } }))
  const found = all.filter(({ id }) => id.startsWith(word))
  const [only] = found
  if (only && found.length === 1) return only.id
  if (!only) throw new CroftError('OPERATION_NOT_FOUND', `no operation begins with "${word}"`, { hint: 'croft op ls' })
  const ids = found.slice(0, 3).map(({ id }) => id)
  throw new CroftError('USAGE', `${found.length} operations begin with "${word}"`, { hint: ids.join(' · ') })
}

/** What is too short to be one, the daemon need not be asked. */
async function isWhole(context: Context, word: string): Promise<boolean> {
  if (word.length < 8) return false
  try {
    await context.client.request('getOperation', { params: { operation: word } })
    return true
  } catch (error) {
    if (isCode(error, 'OPERATION_NOT_FOUND')) return false
    throw error
  }
}
