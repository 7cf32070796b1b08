import type { StoreMemberView, StoreRestore, StoreView } from '../../../api/store.ts'
import { type Answer, done, type Field } from '../../answer.ts'
import { type Context, requireHere } from '../../context.ts'
import { confirmName } from '../../screen/confirm.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'

export async function run(context: Context): Promise<Answer> {
  const { args } = context
  const act = args.maybe('ACT')
  if (act === undefined) return show(context)
  const file = args.maybe('FILE')
  if (act !== 'restore' || file === undefined) throw wrongUse('croft farm store: only "restore FILE" can follow')
  return restore(context, file)
}

async function show({ client, say }: Context): Promise<Answer> {
  const store: StoreView = await client.request('getStore')
  if (store.reason !== undefined) say(`! ${store.reason}`)
  return {
    kind: 'record',
    record: store,
    name: store.kind,
    fields: [
      { title: 'kind', value: store.kind },
      { title: 'at', value: store.at.join(' ') },
      { title: 'revision', value: store.revision },
      { title: 'size', value: store.sizeBytes, as: 'bytes' },
      ...store.members.map(memberField),
      { title: 'snapshot', value: store.snapshot?.at, as: 'age' },
      { title: 'its file', value: store.snapshot?.file },
    ],
  }
}

function memberField({ host, url, state, version, reason }: StoreMemberView): Field {
  const words = [host === '' ? '?' : host, state, url, version, reason]
  return { title: 'member', value: words.filter((word) => word != null).join('  ') }
}

async function restore(context: Context, file: string): Promise<Answer> {
  requireHere(context, 'croft farm store restore')
  const discardData = context.flags.has('discard-data')
  const { resolve } = await import('node:path')
  const body: StoreRestore = { file: resolve(file), ...(discardData ? { discardData } : {}) }
  const { farm } = await context.client.request('getStatus')
  const name = farm?.name ?? 'store'
  await confirmName(context, name, `this makes the farm's store what it was when ${file} was taken`)
  return changeAnswer(context, { route: 'restoreStore', body }, ({ result }) => {
    const { lines } = result as { readonly lines: readonly string[] }
    for (const line of lines) context.say(line)
    return done(name, 'the store was restored', { record: result, hint: 'croft farm store · croft host plan' })
  })
}
