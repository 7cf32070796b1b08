import type { Door, FarmChange } from '../../../api/door.ts'
import type { Farm } from '../../../api/resources.ts'
import { type Answer, done } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { wireName } from '../route/settings.ts'

export async function run(context: Context): Promise<Answer> {
  const { settings } = context
  if (settings.length === 0)
    throw wrongUse('croft farm set: what is to be set? (listen=:8443, listen=off, edge-https=:443)')
  const listen = settings.findLast(([key]) => key === 'listen')?.[1]
  const mesh = settings.findLast(([key]) => key === 'mesh')?.[1] as FarmChange['mesh']
  const edge = Object.fromEntries(
    settings.filter(([key]) => key !== 'listen' && key !== 'mesh').map(([key, value]) => [edgeName(key), value]),
  )
  const body: FarmChange = {
    ...(listen === undefined ? {} : { listen: listen === 'off' || listen === '' ? null : listen }),
    ...(mesh === undefined ? {} : { mesh }),
    ...(Object.keys(edge).length === 0 ? {} : { edge: edge as NonNullable<FarmChange['edge']> }),
  }
  return changeAnswer(context, { route: 'changeFarm', body }, ({ result }) => {
    const { name, door } = result as Farm & { readonly door: Door }
    if (mesh !== undefined)
      return done(name, `${name}: hosts reach each other ${mesh === 'none' ? 'unsealed' : 'by WireGuard'}`, {
        record: result,
        hint: 'croft network check',
      })
    if (listen === undefined) return done(name, `${name}: the edge is set`, { record: result, hint: 'croft farm show' })
    if (door.listen === null) return done(name, `${name} lets nobody in from outside`, { record: result })
    return done(name, `${name} listens on ${door.addresses.join(', ') || door.listen}`, {
      record: result,
      hint: 'croft token add laptop --login',
    })
  })
}

/** `edge-http` → `http`, `preview-domain` → `previewDomain` */
const edgeName = (key: string): string => wireName(key.replace(/^edge-/, ''))
