/** What guests are called that the loops of the farm make: `shop/prod/1`, `shop/build/4f9c2a…`. Nobody else can give such a name. */
import { z } from 'zod'
import { AppName, StageName } from './app.ts'
import { GuestName } from './values.ts'

const number = /^[1-9]\d{0,8}$/
const buildId = /^[a-z0-9]{1,40}$/

const PartName = z.string().transform((text, context) => {
  const [app, stage, last = '', ...rest] = text.split('/')
  const isOf = rest.length === 0 && AppName.safeParse(app).success
  if (isOf && stage === 'build' ? buildId.test(last) : isOf && StageName.safeParse(stage).success && number.test(last))
    return text
  context.addIssue({ code: 'custom', message: `"${text.slice(0, 80)}" is not an instance like shop/prod/1` })
  return z.NEVER
})

/** Of any guest that is there; a new one of a user's is a `GuestName`. */
export const AnyGuestName = z.string().transform((text, context) => {
  const schema = text.includes('/') ? PartName : GuestName
  const { data, error } = schema.safeParse(text)
  if (data !== undefined) return data
  for (const { message } of error?.issues ?? []) context.addIssue({ code: 'custom', message })
  return z.NEVER
})
