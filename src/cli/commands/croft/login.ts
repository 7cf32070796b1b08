/**
 * From `HOST` and a token, or from the one word of a login token, to a file that later commands use:
 * what does it show → is that the CA that is meant? → connect anew, trusting that alone → exchange the token → keep it.
 */
import type { MadeToken } from '../../../api/door.ts'
import { CroftError, isCode } from '../../../api/errors.ts'
import type { Accepted, Farm } from '../../../api/resources.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { canAsk, confirm } from '../../screen/confirm.ts'
import { readConfig } from '../../wire/farms.ts'
import { findLogin, type Login, makeRoom, saveConfig, saveLogin } from '../../wire/logins.ts'
import { fetchAuthority, lineTo, parseFingerprint, withPort } from '../../wire/remote.ts'
import { type Client, createClient } from '../../wire/request.ts'

interface Wanted {
  readonly address: string
  readonly fingerprint: string | undefined
  readonly token: string | undefined
}

export async function run(context: Context): Promise<Answer> {
  const { env } = context.io
  const wanted = await readWanted(context)
  const { ca, fingerprint } = await fetchAuthority(wanted.address, wanted.fingerprint)
  if (wanted.fingerprint === undefined) await askFingerprint(context, wanted.address, fingerprint)
  const shown = wanted.token ?? (await readToken(context))
  await makeRoom(env)
  const clientWith = (token: string): Client => {
    const line = lineTo({ farm: wanted.address, address: wanted.address, ca, token })
    return createClient({ socketPath: context.socketPath, line: async () => line })
  }
  const kept = await exchange(clientWith(shown), shown)
  const farm = (await clientWith(kept.secret).request('getFarm')) as Farm
  const name = context.flags.text('farm') ?? farm.name
  const login: Login = {
    name,
    address: wanted.address,
    fingerprint,
    ca,
    token: kept.secret,
    role: kept.role,
    expires: kept.expires,
  }
  await refuseOther(context, login)
  await saveLogin(env, login)
  await saveConfig(env, { ...(await readConfig(context.io)), farm: name })
  const { token: _, ca: __, ...record } = login
  const until = kept.expires === null ? '' : ` until ${kept.expires.slice(0, 10)}`
  return done(name, `${name} at ${wanted.address} as ${kept.role}${until}`, {
    record,
    hint: 'croft ls · croft use · croft logout',
  })
}

async function readWanted(context: Context): Promise<Wanted> {
  const said = context.args.maybe('WHERE') ?? '-'
  const word = said === '-' ? await readToken(context) : said
  if (word.startsWith('cf1.')) return readLoginWord(word)
  if (said === '-')
    throw new CroftError('USAGE', 'that is no login token', {
      hint: 'on a host of the farm: croft token add NAME --login',
    })
  const fingerprint = context.flags.text('fingerprint')
  const pinned = fingerprint === undefined ? undefined : parseFingerprint(fingerprint)
  return { address: withPort(word), fingerprint: pinned, token: undefined }
}

/** The daemon's loginWord, read back. */
export function readLoginWord(word: string): Wanted {
  const [address = '', fingerprint = '', token = '', ...rest] = Buffer.from(word.slice('cf1.'.length), 'base64url')
    .toString('utf8')
    .split(' ')
  if (rest.length > 0 || !/^croft_[a-z0-9-]+_[\w-]{43}$/.test(token))
    throw new CroftError('USAGE', 'this login token was cut or changed on its way', {
      hint: 'on a host of the farm: croft token add NAME --login',
    })
  return { address: withPort(address), fingerprint: parseFingerprint(fingerprint), token }
}

async function askFingerprint(context: Context, address: string, fingerprint: string): Promise<void> {
  context.say(`${address} shows the CA ${fingerprint}`)
  if (!canAsk(context))
    throw new CroftError('NEEDS_CONFIRMATION', 'nobody is here to say whether this is the farm that is meant', {
      hint: `croft login ${address} --fingerprint FINGERPRINT`,
    })
  if (await confirm(context, 'Does croft farm show, on the farm, say the same?')) return
  throw new CroftError('NEEDS_CONFIRMATION', 'not confirmed; nothing was sent')
}

async function readToken({ io }: Context): Promise<string> {
  const text = io.stdinTty ? await io.askHidden('token: ') : await io.readStdin()
  const token = text?.trim() ?? ''
  if (/^[\x21-\x7e]{1,2000}$/.test(token)) return token
  throw new CroftError('USAGE', 'a token is wanted, from the terminal or by stdin', { hint: 'croft help login' })
}

/** A login token is used up by this; any other is kept as it is. */
async function exchange(client: Client, shown: string): Promise<Pick<MadeToken, 'secret' | 'role' | 'expires'>> {
  try {
    const { result } = (await client.request('login', { body: {} })) as Accepted<MadeToken>
    if (result) return result
  } catch (thrown) {
    if (!isCode(thrown, 'REFUSED') && !isCode(thrown, 'FORBIDDEN')) throw thrown
    return { secret: shown, role: isCode(thrown, 'REFUSED') ? 'operator' : 'reader', expires: null }
  }
  throw new CroftError('UNREACHABLE', 'the farm answered the login with nothing')
}

/** Of one name there is one farm: another one would get commands that were meant for the first. */
async function refuseOther({ io, socketPath }: Context, login: Login): Promise<void> {
  const there = await findLogin(io.env, login.name)
  if (!there || there.fingerprint === login.fingerprint) return
  // While a farm has two CAs, it is known by either.
  const line = lineTo({ ...login, farm: login.name, ca: there.ca })
  const known = createClient({ socketPath, line: async () => line }).request('getFarm')
  if (await known.catch(() => undefined)) return
  throw new CroftError('EXISTS', `you are logged in to another farm "${login.name}" at ${there.address}`, {
    hint: `croft logout ${login.name}, or croft login … --farm OTHER-NAME`,
  })
}
