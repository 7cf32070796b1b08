/**
 * What an older host refuses may be what it does not know yet: a field of a body, a word of a query. Its answer says so then,
 * for whatever was asked of it. What this croft itself would refuse never gets there.
 */

import { Readable } from 'node:stream'
import type { ErrorBody } from '../../api/errors.ts'
import { printableLine } from '../../api/printable.ts'
import { isOlder, noVersions, type TooOld, tooOldText, type Versions } from '../../plan/versions.ts'
import type { PeerAnswer, Peers } from './peers.ts'
import { readAnswer } from './read-answer.ts'

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
  const said = await readAnswer(old.host, answer.body)
  const body = aged(said, old)
  const headers = { ...answer.headers, 'content-length': String(Buffer.byteLength(body)) }
  return { ...answer, headers, body: Readable.from([body]) }
}

/** Its hint is dropped: that would be a command of its choice. */
function aged(said: string, old: TooOld): string {
  try {
    const { message, ...rest } = JSON.parse(said) as ErrorBody
    return JSON.stringify({
      ...rest,
      message: printableLine(`${tooOldText([old])}, which is older than the croft that was asked, says: ${message}`),
      hint: `upgrade croft on ${old.host} (docs/guides/upgrading.md)`,
    })
  } catch {
    return said
  }
}
