import { CroftError } from '../../../api/errors.ts'
import { getFarm } from '../../daemon.ts'
import { accepted } from '../../records/change.ts'
import { readFarmGuests } from '../../records/farm-guests.ts'
import { commitTemplate } from '../../records/new-template.ts'
import { removeTemplate } from '../../records/template-removal.ts'
import { getTemplateRecord, listTemplateViews, viewTemplate } from '../../records/templates.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  listTemplates: (daemon) => listTemplateViews(daemon),

  async getTemplate(daemon, { params }) {
    const guests = await readFarmGuests(daemon.store)
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
    const operation = await removeTemplate(daemon, caller, params.template, query)
    return accepted(daemon, query, operation, async () => null)
  },
} satisfies Partial<Handlers>
