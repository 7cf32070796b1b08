import { rows } from '../../answer.ts'
import type { CommandModule } from '../../command.ts'
import { type Kind, listKind } from './kinds.ts'

export const lister = (kind: Kind): CommandModule => ({
  async run(context) {
    const { records, columns } = await listKind(context, kind)
    return rows(records, columns, { name: (record: { name: string }) => record.name, empty: `no ${kind}s` })
  },
})
