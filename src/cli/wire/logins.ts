/** The farms that this person has logged in to: a file each, 0600, in a folder 0700. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { CroftError } from '../../api/errors.ts'
import type { Io } from '../io.ts'
import { type Config, configFolder } from './farms.ts'

export interface Login {
  readonly name: string
  /** `HOST:PORT`. */
  readonly address: string
  readonly fingerprint: string
  /** The farm's CA, PEM: who else answers is not this farm. */
  readonly ca: string
  readonly token: string
  readonly role: string
  readonly expires: string | null
}

type Env = Io['env']

export async function findLogin(env: Env, name: string): Promise<Login | undefined> {
  const file = `${farmsFolder(env)}/${fileName(name)}`
  const text = await readFile(file, 'utf8').catch(absent)
  if (text === undefined) return undefined
  try {
    const login = JSON.parse(text) as Login
    for (const key of ['address', 'fingerprint', 'ca', 'token'] as const)
      if (typeof login[key] !== 'string') throw new Error(`no ${key}`)
    return { ...login, name }
  } catch (cause) {
    throw new CroftError('USAGE', `${file} cannot be read`, { hint: `croft logout ${name}`, cause })
  }
}

export async function getLogin(env: Env, name: string): Promise<Login> {
  const login = await findLogin(env, name)
  if (login) return login
  throw new CroftError('NOT_FOUND', `you are not logged in to a farm "${name}"`, { hint: 'croft use · croft login' })
}

export async function listLogins(env: Env): Promise<Login[]> {
  const names = (await readdir(farmsFolder(env)).catch(absent)) ?? []
  const found = names.filter((name) => name.endsWith('.json')).map((name) => findLogin(env, name.slice(0, -5)))
  return (await Promise.all(found)).filter((login) => login !== undefined)
}

/** Made before anything is asked of a farm: a login that cannot be kept must not use up its token. */
export async function makeRoom(env: Env): Promise<void> {
  const folder = farmsFolder(env)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await replaceFile(`${folder}/.trial`, '')
  await rm(`${folder}/.trial`)
}

export const saveLogin = (env: Env, login: Login): Promise<void> =>
  replaceFile(`${farmsFolder(env)}/${fileName(login.name)}`, `${JSON.stringify(login, null, 2)}\n`)

export const removeLogin = (env: Env, name: string): Promise<void> =>
  rm(`${farmsFolder(env)}/${fileName(name)}`, { force: true })

export async function saveConfig(env: Env, config: Config): Promise<void> {
  const folder = getFolder(env)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await replaceFile(`${folder}/config.json`, `${JSON.stringify(config, null, 2)}\n`)
}

function getFolder(env: Env): string {
  const folder = configFolder(env)
  if (folder) return folder
  throw new CroftError('USAGE', 'there is no home to keep logins in', { hint: 'set HOME or XDG_CONFIG_HOME' })
}

const farmsFolder = (env: Env): string => `${getFolder(env)}/farms`

function fileName(name: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return `${name}.json`
  throw new CroftError('USAGE', `"${name}" is not the name of a farm`, { hint: 'croft use' })
}

function absent(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR') return undefined
  throw thrown
}

/** Whole or not at all, and never for others to read. */
async function replaceFile(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.chmod(0o600)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
