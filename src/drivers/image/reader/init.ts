/** What the first process of a guest is, from what an image says and the users that its tree knows. */
import { constants } from 'node:os'
import type { Init } from '../../../api/guest.ts'
import type { Flattened } from './flatten.ts'
import { Refused, shown } from './refused.ts'
import type { ImageConfig } from './stacks.ts'

const systemInit = /^(\/usr)?\/(sbin\/init|lib\/systemd\/systemd)$/

export function initOf(config: ImageConfig, tree: Pick<Flattened, 'passwd' | 'group' | 'hasInit'>): Init {
  const [first] = config.words
  if (first === undefined && !tree.hasInit) throw new Refused('the image names no command and has no /sbin/init')
  if (first === undefined || systemInit.test(first)) return { kind: 'system' }
  return {
    kind: 'command',
    words: config.words,
    env: config.env.filter((word) => /^[^=]+=/.test(word)),
    ...idsOf(config.user, tree),
    folder: config.folder.startsWith('/') ? config.folder : `/${config.folder}`,
    stopSignal: signalOf(config.stopSignal),
  } as Init
}

/** `user`, `user:group`, names or numbers, as images write it; nothing is root. */
function idsOf(text: string, tree: Pick<Flattened, 'passwd' | 'group'>): { user: number; group: number } {
  const [user = '', group] = text.split(':')
  const line = linesOf(tree.passwd).find(([name, , id]) => user !== '' && (name === user || id === user))
  const uid = user === '' ? 0 : idOf(line?.[2] ?? user, user)
  if (group === undefined) return { user: uid, group: idOf(line?.[3] ?? '0', user) }
  return { user: uid, group: idOf(linesOf(tree.group).find(([name]) => name === group)?.[2] ?? group, group) }
}

const linesOf = (text: string): string[][] => text.split('\n').map((line) => line.split(':'))

function idOf(text: string, who: string): number {
  const id = Number(text)
  if (/^\d{1,5}$/.test(text) && id < 65536) return id
  throw new Refused(`the image runs as ${shown(who)}, whom its /etc/passwd does not know`)
}

/** `SIGQUIT`, `QUIT` or a number; nothing is SIGTERM. */
function signalOf(text: string): number {
  const name = text.toUpperCase()
  const known = constants.signals as Readonly<Record<string, number>>
  const number = /^\d{1,2}$/.test(name) ? Number(name) : (known[name] ?? known[`SIG${name}`])
  const realtime = /^(?:SIG)?RTMIN\+(\d{1,2})$/.exec(name)?.[1]
  const signal = number ?? (realtime === undefined ? 15 : 34 + Number(realtime))
  return signal >= 1 && signal <= 64 ? signal : 15
}

/** What an exported template says of itself; the daemon's schema judges it. */
export function readLabel(text: string): { readonly init: Init } {
  try {
    const { init } = JSON.parse(text) as { init?: Init }
    if (init) return { init }
  } catch {
    // the same as one without
  }
  throw new Refused('the croft.json of the archive does not say what starts')
}
