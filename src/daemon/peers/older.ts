/**
 * What an older host refuses may be what it does not know yet: a field of a body, a word of a query. Its answer says so then,
 * for whatever was asked of it. What this croft itself would refuse never gets there.
 */

import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ErrorBody } from '../../api/errors.ts'
import { isOlder, noVersions, type TooOld, tooOldText, type Versions } from '../../plan/versions.ts'
import type { PeerAnswer, Peers } from './peers.ts'

/** Of what was asked in a form that is not understood. */
const misunderstood = 400

export function namingOlder(peers: Peers, own: string, versions: () => Versions | undefined): Peers {
  const told = async (host: string, answer: PeerAnswer): Promise<PeerAnswer> => {
    const { hosts } = versions() ?? noVersions
    const [here, there] = [hosts[own], hosts[host]]
    if (answer.status !== misunderstood || !here || !isOlder(there, here)) return answer
    return withAge(answer, { host, version: there?.version })
  }
  return {
    request: async (host, asked) => told(host, await peers.request(host, asked)),
    async upgrade(host, asked) {
      const answer = await peers.upgrade(host, asked)
      return 'socket' in answer ? answer : told(host, answer)
    },
    close: () => peers.close(),
  }
}

async function withAge(answer: PeerAnswer, old: TooOld): Promise<PeerAnswer> {
  const said = await text(answer.body)
  const body = aged(said, old)
  const headers = { ...answer.headers, 'content-length': String(Buffer.byteLength(body)) }
  return { ...answer, headers, body: Readable.from([body]) }
}

function aged(said: string, old: TooOld): string {
  try {
    const { message, hint, ...rest } = JSON.parse(said) as ErrorBody
    const upgrade = `upgrade croft on ${old.host} (docs/guides/upgrading.md)`
    return JSON.stringify({
      ...rest,
      message: `${tooOldText([old])}, which is older than the croft that was asked, says: ${message}`,
      hint: hint === undefined ? upgrade : `${hint} · ${upgrade}`,
    })
  } catch {
    return said
  }
}
