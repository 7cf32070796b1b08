/** Which farm is meant: flag > CROFT_FARM > CROFT_SOCKET > config file > the daemon of this machine. */
import { CroftError } from '../../api/errors.ts'
import type { Io } from '../io.ts'

/** ~/.config/croft/config.json: what is taken when neither a flag nor the environment says otherwise. */
export interface Config {
  readonly farm?: string
  readonly output?: string
}

type Env = Io['env']

/** The farm of this machine, by its socket. */
export const localFarm = 'local'

/** Of this machine's daemon: root's own, or the one beside it that the group `croft` may read by. */
export const socketOf = (uid: number | undefined): string => `/run/croft/${uid === 0 ? 'croft' : 'read'}.sock`

/** Undefined where there is no home. */
export function configFolder(env: Env): string | undefined {
  const base = env.XDG_CONFIG_HOME || (env.HOME ? `${env.HOME}/.config` : undefined)
  return base?.startsWith('/') ? `${base}/croft` : undefined
}

export async function readConfig({ env, readTextFile }: Pick<Io, 'env' | 'readTextFile'>): Promise<Config> {
  const folder = configFolder(env)
  if (folder === undefined) return {}
  const file = `${folder}/config.json`
  const text = await readTextFile(file).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR') return undefined
    throw new CroftError('USAGE', `${file} cannot be read: ${thrown.message}`, { cause: thrown })
  })
  return text === undefined ? {} : parseConfig(text, file)
}

export function parseConfig(text: string, file: string): Config {
  try {
    const { farm, output } = JSON.parse(text) as Record<string, unknown>
    return {
      ...(typeof farm === 'string' ? { farm } : {}),
      ...(typeof output === 'string' ? { output } : {}),
    }
  } catch (cause) {
    throw new CroftError('USAGE', `${file} is not JSON`, { hint: `rm ${file}; croft use`, cause })
  }
}

/** Undefined for this machine's own. */
export function chosenFarm(flag: string | undefined, env: Env, config: Config): string | undefined {
  const said = flag ?? (env.CROFT_FARM || undefined)
  const farm = said ?? (env.CROFT_SOCKET ? undefined : config.farm)
  return farm === localFarm ? undefined : farm
}
