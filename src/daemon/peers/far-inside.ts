/** Words of the farm's loops in guests of other hosts: carried to the host whose guest it is, with what bounds them. */
import { CroftError, type ErrorBody } from '../../api/errors.ts'
import type { PeerWords } from '../../api/host.ts'
import type { Store } from '../../store/store.ts'
import type { Ended, Inside } from '../host/inside.ts'
import { keys } from '../records/keys.ts'
import type { Others } from './others.ts'
import { readJson } from './read-answer.ts'

/** The last 200 lines of 4000 characters, and each may take eight bytes as JSON. */
const mostSaid = 8 * 1024 ** 2

type Ways = Pick<Others, 'own' | 'peers' | 'hosts'>

interface Parts {
  readonly store: Store
  /** Undefined where the store has one host. */
  readonly others: () => Ways | undefined
}

/** What takes more than the words themselves is for this host's guests alone: builds are made where they are led. */
export function farInside(near: Inside, { store, others }: Parts): Inside {
  return {
    async run(number, words, options) {
      const ways = others()
      const host = ways && (await findHost(store, ways, number))
      if (!ways || host === undefined || host === ways.own) return near.run(number, words, options)
      const { stdin, onLine, onBytes, signal, ...bounds } = options
      if (stdin || onLine || onBytes) throw new CroftError('ELSEWHERE', `guest ${number} is on host ${host}`)
      const body: PeerWords = { words: [...words], ...bounds }
      const answer = await ways.peers.request(host, {
        ...{ method: 'POST', path: `/v1/peers/inside/${number}`, body: JSON.stringify(body), signal },
        deadlineMs: options.timeoutMs + 5000,
      })
      const said = await readJson(host, answer.body, { mostBytes: mostSaid })
      if (answer.status < 400) return said as Ended
      const { code, message, hint } = said as ErrorBody
      throw new CroftError(code, message, { hint })
    },
  }
}

/** Its record says where it is; mostly here. */
async function findHost(store: Store, { own, hosts }: Ways, number: number): Promise<string | undefined> {
  const names = hosts().map(({ name }) => name)
  for (const name of [own, ...names.filter((each) => each !== own)])
    if ((await store.get(keys.guest(name, number))).entry) return name
  return undefined
}
