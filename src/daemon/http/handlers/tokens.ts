/** Who may come from outside: tokens, and the one login that a login token is good for. */

import type { MadeToken, Token } from '../../../api/door.ts'
import { CroftError } from '../../../api/errors.ts'
import { longestLifeMs } from '../../../api/values.ts'
import type { WholeDaemon } from '../../daemon.ts'
import { timestamp } from '../../env.ts'
import { assertRevision, type Change, commit } from '../../records/change.ts'
import { keys } from '../../records/keys.ts'
import { read, readAll, schemaVersion, type TokenRecord } from '../../records/records.ts'
import { getTokenRecord, loginWithinMs, makeSecret, viewToken } from '../../records/tokens.ts'
import type { Handlers } from '../handler.ts'
import { loginWord } from '../login-word.ts'

export const handlers = {
  async listTokens(daemon): Promise<Token[]> {
    const view = viewBy(daemon)
    return (await readAll<TokenRecord>(daemon.store, keys.tokens)).map(({ value }) => view(value))
  },

  async getToken(daemon, { params }): Promise<Token> {
    return viewBy(daemon)((await getTokenRecord(daemon, params.token)).value)
  },

  async addToken(daemon, { body, query, caller }) {
    const { name, role, login, certificate } = body
    if (login && certificate)
      throw new CroftError('BAD_VALUE', 'a certificate is no login token: it is one or the other', {
        hint: 'croft help token add',
      })
    const door = login ? await openDoor(daemon, body.address) : undefined
    if (query.dryRun) return { operation: null, result: null, steps: [{ what: name, step: 'add', detail: role }] }
    const expires = endOf(daemon, login ? loginWithinMs : body.expires)
    const { secret, ...proof } = certificate ? await certify(daemon, name, expires) : makeSecret(daemon.env, name)
    const record: TokenRecord = {
      schema: schemaVersion,
      ...{ name, role, ...proof, created: timestamp(daemon.env), by: caller.name },
      expires,
      ...(certificate ? { kind: 'certificate' as const } : {}),
      ...(login ? { login: { lifeMs: body.expires } } : {}),
    }
    const token = viewBy(daemon)(record)
    await commit(daemon, caller, query, async (): Promise<Change> => {
      if (await read(daemon.store, keys.token(name)))
        throw new CroftError('EXISTS', `there is a token "${name}"`, { hint: `croft token rm ${name}` })
      const key = keys.token(name)
      const writes = [{ put: key, value: record }]
      return { kind: 'token', name, verb: 'add', before: null, after: token, compare: [{ key, revision: 0 }], writes }
    })
    const made: MadeToken = { ...token, secret, ...(door ? { login: loginWord({ ...door, secret }) } : {}) }
    return { operation: null, result: made }
  },

  async removeToken(daemon, { params, query, caller }) {
    const name = params.token
    await getTokenRecord(daemon, name)
    if (query.dryRun) return { operation: null, result: null, steps: [{ what: name, step: 'remove', detail: 'token' }] }
    await commit(daemon, caller, query, async (): Promise<Change> => {
      const { key, revision, value } = await getTokenRecord(daemon, name)
      assertRevision(query, revision, name)
      const before = viewBy(daemon)(value)
      return {
        kind: 'token',
        name,
        verb: 'rm',
        before,
        after: null,
        compare: [{ key, revision }],
        writes: [{ delete: key }],
      }
    })
    daemon.outside.shutOut(name)
    return { operation: null, result: null }
  },

  /** The login token is replaced by another in one transaction: of two who show it, one gets in. */
  async login(daemon, { query, caller }) {
    const name = caller.token
    if (name === undefined || caller.role !== 'newcomer')
      throw new CroftError('REFUSED', 'only who shows a login token can log in', {
        hint: 'croft token add NAME --login',
      })
    if (query.dryRun) return { operation: null, result: null, steps: [{ what: name, step: 'login', detail: 'token' }] }
    const { secret, hash } = makeSecret(daemon.env, name)
    let token: Token | undefined
    await commit(daemon, caller, query, async (): Promise<Change> => {
      const { key, revision, value } = await getTokenRecord(daemon, name)
      const { login, ...rest } = value
      if (!login) throw new CroftError('UNAUTHENTICATED', 'this login token was used already')
      const record: TokenRecord = { ...rest, hash, expires: endOf(daemon, login.lifeMs) }
      const view = viewBy(daemon)
      const before = view(value)
      token = view(record)
      const writes = [{ put: key, value: record }]
      return { kind: 'token', name, verb: 'login', before, after: token, compare: [{ key, revision }], writes }
    })
    return { operation: null, result: { ...(token as Token), secret } satisfies MadeToken }
  },
} satisfies Partial<Handlers>

function viewBy(daemon: WholeDaemon): (record: TokenRecord) => Token {
  const [now, cas] = [daemon.env.now(), daemon.outside.door()]
  return (record) => viewToken(record, now, cas)
}

/** A certificate always ends: ten years are for ever. */
async function certify(
  daemon: WholeDaemon,
  name: string,
  expires: string | null,
): Promise<{ secret: string; hash: string; ca: string }> {
  const until = expires === null ? daemon.env.now() + longestLifeMs : Date.parse(expires)
  const { pem, fingerprint, ca } = await daemon.outside.issueClient(name, until)
  return { secret: pem, hash: fingerprint, ca }
}

const endOf = (daemon: WholeDaemon, lifeMs: number | null): string | null =>
  lifeMs === null ? null : new Date(daemon.env.now() + lifeMs).toISOString()

async function openDoor(
  daemon: WholeDaemon,
  asked: string | undefined,
): Promise<{ address: string; fingerprint: string }> {
  const { state, addresses, fingerprint } = daemon.outside.door()
  if (state !== 'open' || fingerprint === null)
    throw new CroftError('REFUSED', 'nobody can log in: the door to the outside is shut', {
      hint: 'croft farm set listen=:8443',
    })
  const port = addresses[0]?.split(':').at(-1)
  const address = asked === undefined ? addresses[0] : /:\d+$/.test(asked) ? asked : `${asked}:${port}`
  if (address !== undefined) return { address, fingerprint }
  throw new CroftError('REFUSED', 'this host sees no address that others could reach', {
    hint: 'croft token add NAME --login --address croft.example.org',
  })
}
