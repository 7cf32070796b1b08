/** Questions to another host whose failures are ours. */
import { CroftError, type ErrorBody, errorTable } from '../../api/errors.ts'
import type { HostParts } from '../host/parts.ts'
import type { PeerAnswer, PeerRequest } from '../peers/peers.ts'
import { readAnswer, readJson } from '../peers/read-answer.ts'

/** Snapshots, or the configuration of a site. */
const mostOfLists = 4 * 1024 ** 2

export type Asking = Pick<HostParts, 'peers'>

/** What it answers when it has not failed; what it failed with is thrown, with its name. */
export async function askPeer({ peers }: Asking, host: string, asked: PeerRequest): Promise<PeerAnswer> {
  const way = peers?.()
  if (!way) throw new CroftError('REFUSED', 'this farm has one host', { hint: 'croft host invite' })
  const answer = await way.request(host, asked)
  if (answer.status < 300) return answer
  throw errorOf(host, await readAnswer(host, answer.body))
}

export const askJson = async (parts: Asking, host: string, asked: PeerRequest): Promise<unknown> =>
  readJson(host, (await askPeer(parts, host, asked)).body, { mostBytes: mostOfLists })

function errorOf(host: string, text: string): CroftError {
  try {
    const { code, message, hint } = JSON.parse(text) as ErrorBody
    if (code in errorTable) return new CroftError(code, `${host}: ${message}`, hint === undefined ? {} : { hint })
  } catch {}
  return new CroftError('FAILED', `${host} answered what is no answer`, { hint: 'croft host ls' })
}
