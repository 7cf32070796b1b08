/** What hosts say of an application, each of its own instances: `/etc/croft/sites/APP.toml`, asked for where it lies. */
import { CroftError, isCode } from '../../api/errors.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { readSiteFile, type SiteFile } from '../host/site-file.ts'
import type { MembersRecord } from './app-records.ts'
import { readFarmGuests } from './farm-guests.ts'
import { keys } from './keys.ts'
import { read } from './records.ts'

export interface HostSays {
  readonly name: string
  readonly file?: SiteFile | undefined
}

const answerMs = 3000

/** Undefined: this host is alone. Of one that is away nothing is known: its instances run by what they were made from. */
export async function hostsSaying(daemon: Daemon, app: string): Promise<readonly HostSays[] | undefined> {
  const { others } = getFarm(daemon)
  const hosts = (others?.hosts() ?? []).filter(({ dead, witness }) => dead === undefined && !witness)
  if (!others || hosts.length < 2) return undefined
  return Promise.all(hosts.map(({ name }) => saidBy(daemon, name, app)))
}

/** Whose word counts for what is in this place: null is nobody's, undefined this host's. */
export async function hostOfSlot(daemon: Daemon, site: string, slot?: number): Promise<HostSays | null | undefined> {
  const { others } = getFarm(daemon)
  if (!others || others.hosts().length < 2) return undefined
  if (slot === undefined) return null
  const members = await read<MembersRecord>(daemon.store, keys.membersOf(site))
  const number = members?.value.members.find((member) => member.slot === slot)?.number
  const guest = (await readFarmGuests(daemon.store)).find(({ value }) => value.number === number)
  return guest ? saidBy(daemon, guest.value.host, site.split('/')[0] ?? '') : null
}

async function saidBy(daemon: Daemon, name: string, app: string): Promise<HostSays> {
  const { parts, others } = getFarm(daemon)
  if (name === parts.host.name) return { name, file: await readSiteFile(parts.sitesDir, app) }
  if (!others?.isAlive(name)) return { name }
  const { askJson } = await import('../moves/ask.ts')
  try {
    const asked = { method: 'GET', path: `/v1/peers/sites/${app}`, deadlineMs: answerMs } as const
    const { path, config } = (await askJson(parts, name, asked)) as Partial<SiteFile>
    return path === undefined || config === undefined ? { name } : { name, file: { path: `${name}:${path}`, config } }
  } catch (thrown) {
    // It is away, or of a version that does not tell.
    if (isCode(thrown, 'HOST_UNREACHABLE') || isCode(thrown, 'NOT_FOUND')) return { name }
    if (thrown instanceof CroftError)
      throw new CroftError(thrown.code, thrown.message, { hint: `on ${name}: ${thrown.hint}` })
    throw thrown
  }
}
