import { CroftError } from '../../api/errors.ts'
import type { Init } from '../../api/guest.ts'
import type { Template } from '../../api/resources.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { readFarmGuests } from './farm-guests.ts'
import { keys } from './keys.ts'
import { type GuestRecord, type Held, read, readAll, type TemplateRecord, type TemplateStatus } from './records.ts'

/** Made for builds, of a template and packages: `base-0c1f…:v1`. */
export const isBase = (ref: string): boolean => /^base-[0-9a-f]{12}:/.test(ref)

/** `debian:12`, or `debian` for the newest of that name. */
export async function getTemplateRecord(daemon: Daemon, ref: string): Promise<Held<TemplateRecord>> {
  const exact = ref.includes(':')
    ? await read<TemplateRecord>(daemon.store, keys.template(ref))
    : await newestOf(daemon, ref)
  if (exact) return exact
  const known = (await readAll<TemplateRecord>(daemon.store, keys.templates)).map(({ value }) => value.ref)
  const hint =
    known.length === 0 || /^(debian|ubuntu)(:|$)/.test(ref)
      ? `croft template build ${ref.includes(':') ? ref : `${ref}:12`}`
      : 'croft template ls'
  throw new CroftError(
    'TEMPLATE_NOT_FOUND',
    `no template "${ref}"${known.length > 0 ? `; there is ${known.slice(0, 5).join(', ')}` : ''}`,
    { hint },
  )
}

async function newestOf(daemon: Daemon, name: string): Promise<Held<TemplateRecord> | undefined> {
  const records = await readAll<TemplateRecord>(daemon.store, `${keys.templates}${name}:`)
  return records.sort((a, b) => (a.value.created < b.value.created ? 1 : -1))[0]
}

/** A template that guests can be made from now. */
export async function getReadyTemplate(daemon: Daemon, ref: string): Promise<Held<TemplateRecord>> {
  const record = await getTemplateRecord(daemon, ref)
  const view = await viewTemplate(daemon, record, [])
  if (view.state === 'ready') return record
  if (view.state === 'building')
    throw new CroftError('BUSY', `template "${view.ref}" is still being built`, { hint: 'croft op ls' })
  throw new CroftError('REFUSED', `template "${view.ref}" is not usable: ${view.reason ?? view.state}`, {
    hint: `croft template rm ${view.ref}`,
  })
}

/** What guests of it start; undefined for an ordinary system. */
export async function initOf(daemon: Daemon, id: string): Promise<Init | undefined> {
  const init = (await findStatus(daemon, id))?.init
  return init?.kind === 'command' ? init : undefined
}

export async function listTemplateViews(daemon: Daemon): Promise<Template[]> {
  const guests = await readFarmGuests(daemon.store)
  const records = await readAll<TemplateRecord>(daemon.store, keys.templates)
  return Promise.all(records.map((record) => viewTemplate(daemon, record, guests)))
}

export async function viewTemplate(
  daemon: Daemon,
  record: Held<TemplateRecord>,
  guests: readonly Held<GuestRecord>[],
): Promise<Template> {
  const { ref, id, created, source, deleting } = record.value
  const status = await findStatus(daemon, id)
  return {
    ref,
    id,
    created,
    source,
    state: deleting ? 'removing' : (status?.state ?? 'building'),
    ...(status?.reason === undefined ? {} : { reason: status.reason }),
    init: status?.state === 'ready' ? (status.init ?? { kind: 'system' }) : null,
    sizeBytes: status?.sizeBytes ?? null,
    sha256: status?.sha256 ?? null,
    ...(record.value.release ? { of: 'release' } : isBase(ref) ? { of: 'base' } : {}),
    usedBy: guests.filter(({ value }) => value.spec.template === ref).map(({ value }) => value.name),
  }
}

/** What this host says of it; where that has none, one that does. */
async function findStatus(daemon: Daemon, id: string): Promise<TemplateStatus | undefined> {
  const { parts, others } = getFarm(daemon)
  const of = async (host: string) => (await read<TemplateStatus>(daemon.store, keys.templateStatus(host, id)))?.value
  const here = await of(parts.host.name)
  if (here || !others) return here
  const told = await Promise.all(others.hosts().map(({ name }) => of(name)))
  return told.find((each) => each?.state === 'ready') ?? told.find((each) => each !== undefined)
}
