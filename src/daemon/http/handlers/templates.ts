import { CroftError } from '../../../api/errors.ts'
import type { GuestStatus } from '../../../api/guest.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { accepted, type Change, commit } from '../../records/change.ts'
import { keys } from '../../records/keys.ts'
import { commitTemplate } from '../../records/new-template.ts'
import { type GuestRecord, read, readAll, type TemplateRecord } from '../../records/records.ts'
import { getTemplateRecord, listTemplateViews, viewTemplate } from '../../records/templates.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  listTemplates: (daemon) => listTemplateViews(daemon),

  async getTemplate(daemon, { params }) {
    const guests = await readAll<GuestRecord>(daemon.store, keys.guests(getFarm(daemon).parts.host.name))
    return viewTemplate(daemon, await getTemplateRecord(daemon, params.template), guests)
  },

  async buildTemplate(daemon, { body, query, caller }) {
    const { ref, packages, script, mirror } = body
    const from = body.from ?? ref
    if (!/^(debian|ubuntu):/.test(from)) {
      throw new CroftError('BAD_VALUE', `I do not know how to build "${ref}": say from what, like from=debian:12`, {
        hint: `croft template build ${ref} from=debian:12`,
      })
    }
    const source = {
      from,
      packages,
      ...(script === undefined ? {} : { script }),
      ...(mirror === undefined ? {} : { mirror }),
    }
    getFarm(daemon).parts.builder.check(source)
    if (query.dryRun)
      return {
        operation: null,
        result: null,
        steps: [
          {
            what: ref,
            step: 'build',
            detail: `bootstrap ${from}${packages.length ? ` with ${packages.join(', ')}` : ''}`,
          },
        ],
      }
    const operation = await commitTemplate(daemon, caller, query, { ref, verb: 'build', source })
    return accepted(daemon, query, operation, async () =>
      viewTemplate(daemon, await getTemplateRecord(daemon, ref), []),
    )
  },

  async removeTemplate(daemon, { params, query, caller }) {
    if (query.dryRun)
      return {
        operation: null,
        result: null,
        steps: [{ what: params.template, step: 'removeTemplate', detail: 'remove it' }],
      }
    let id = ''
    const operation = await commit(daemon, caller, query, async (): Promise<Change> => {
      const record = await getTemplateRecord(daemon, params.template)
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
    return accepted(daemon, query, operation, async () => null)
  },
} satisfies Partial<Handlers>

/** Guests name the template they came from, and one still to be made needs it: both keep it. */
async function assertUnused(daemon: Daemon, template: TemplateRecord): Promise<void> {
  const { host } = getFarm(daemon).parts
  const users: string[] = []
  for (const { value } of await readAll<GuestRecord>(daemon.store, keys.guests(host.name))) {
    const status = await read<GuestStatus>(daemon.store, keys.guestStatus(host.name, value.number))
    const toBeMade =
      value.spec.root.from.kind === 'template' &&
      value.spec.root.from.id === template.id &&
      status?.value.rootId !== value.spec.root.id
    if (value.spec.template === template.ref || toBeMade) users.push(value.name)
  }
  if (users.length === 0) return
  throw new CroftError(
    'IN_USE',
    `template "${template.ref}" is used by ${users.slice(0, 5).join(', ')}${users.length > 5 ? ` and ${users.length - 5} more` : ''}`,
    { hint: 'croft ls -o wide' },
  )
}
