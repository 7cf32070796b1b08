/** The end of a template: by somebody's word, or because it is old and nobody needs it. */

import { CroftError } from '../../api/errors.ts'
import type { GuestStatus } from '../../api/guest.ts'
import type { Operation } from '../../api/resources.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { Caller } from '../http/access.ts'
import type { SiteRecord } from './app-records.ts'
import { type Change, commit } from './change.ts'
import { readFarmGuests } from './farm-guests.ts'
import { keys } from './keys.ts'
import { read, readAll, type TemplateRecord } from './records.ts'
import { siteNameOf } from './sites.ts'
import { getTemplateRecord } from './templates.ts'

export async function removeTemplate(
  daemon: Daemon,
  caller: Caller,
  ref: string,
  query: { readonly reason?: string | undefined } = {},
): Promise<Operation | null> {
  let id = ''
  const operation = await commit(daemon, caller, query, async (): Promise<Change> => {
    const record = await getTemplateRecord(daemon, ref)
    id = record.value.id
    await assertUnused(daemon, record.value)
    return {
      kind: 'template',
      name: record.value.ref,
      verb: 'rm',
      // How it was made may hold a password: the query of an address.
      before: record.value.source,
      after: null,
      compare: [{ key: record.key, revision: record.revision }],
      writes: [{ put: record.key, value: { ...record.value, deleting: true } }],
      goal: { kind: 'template', id },
    }
  })
  getFarm(daemon).loop.cancelTemplate(id)
  getFarm(daemon).loop.nudgeTemplates()
  return operation
}

/** Guests name the template they came from, and one still to be made needs it: both keep it. So does the site that runs it. */
async function assertUnused(daemon: Daemon, template: TemplateRecord): Promise<void> {
  const users: string[] = []
  for (const { value } of await readFarmGuests(daemon.store)) {
    const status = await read<GuestStatus>(daemon.store, keys.guestStatus(value.host, value.number))
    const toBeMade =
      value.spec.root.from.kind === 'template' &&
      value.spec.root.from.id === template.id &&
      status?.value.rootId !== value.spec.root.id
    if (value.spec.template === template.ref || toBeMade) users.push(value.name)
  }
  if (template.release)
    for (const { value } of await readAll<SiteRecord>(daemon.store, keys.site(`${template.release.app}/`)))
      if (value.release === template.ref) users.push(siteNameOf(value))
  if (users.length === 0) return
  const what = template.release ? 'release' : 'template'
  throw new CroftError(
    'IN_USE',
    `${what} "${template.ref}" is used by ${users.slice(0, 5).join(', ')}${users.length > 5 ? ` and ${users.length - 5} more` : ''}`,
    { hint: template.release ? 'croft site ls' : 'croft ls -o wide' },
  )
}
