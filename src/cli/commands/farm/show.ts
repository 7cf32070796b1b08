import { CroftError } from '../../../api/errors.ts'
import type { CommandModule } from '../../command.ts'
import { type Kind, listKind } from './kinds.ts'

export const shower = (kind: Kind): CommandModule => ({
  async run(context) {
    const name = context.args.one('NAME')
    const { records, columns } = await listKind(context, kind)
    const record = records.find((each) => each.name === name)
    if (!record) throw new CroftError('NOT_FOUND', `no ${kind} "${name}"`, { hint: `croft ${kind} ls` })
    const fields = columns.map((column) => ({
      title: column.title.toLowerCase(),
      value: column.get(record),
      ...(column.as === undefined ? {} : { as: column.as }),
    }))
    return { kind: 'record', record, name, fields }
  },
})
