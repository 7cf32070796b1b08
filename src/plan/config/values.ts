/** The values of croft.toml, each with one schema. All that is no value of the environment is one line of printable characters. */
import { z } from 'zod'
import { SizeBytes, TemplateRef } from '../../api/values.ts'

const noControls = /^[^\p{C}\p{Zl}\p{Zp}]*$/u
export const Line = z.string().max(4000, 'is too long').regex(noControls, 'must be one line of printable characters')

/** They mean something to every object of the language. */
export const unsafeNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
const isSafe = (name: string): boolean => !unsafeNames.has(name)

/** Names of daemons, cron jobs and data: they become names of units and of volumes. */
export const PartName = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/, 'must be 1 to 32 of a-z, 0-9 and -, beginning with a letter')
  .refine(isSafe, 'cannot be a name')
export const VariableName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be letters, digits and _, not beginning with a digit')
  .refine(isSafe, 'cannot be a name')
/** Lines and tabs are let through, for keys and certificates are handed over like this. */
const VariableText = z
  .string()
  .max(32 * 1024, 'is too long')
  .regex(/^([^\p{C}\p{Zl}\p{Zp}]|[\n\t\u200d])*$/u, 'must hold no control characters')
export const VariableValue = z.union([VariableText, z.number(), z.boolean()]).transform(String)
export const Variables = z.record(VariableName, VariableValue)

export const Flag = z
  .union([z.boolean(), z.enum(['true', 'false'])])
  .transform((value) => value === true || value === 'true')
const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65535
export const Port = z.union([z.number(), z.string().transform(Number)]).refine(isPort, 'must be 1 to 65535')
export const Size = SizeBytes
export const Template = TemplateRef

/** `30s`, `5m`, `2h`, or seconds. */
export const Seconds = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d{1,6})(s|m|h|)$/.exec(String(value))
  const seconds = Number(match?.[1]) * { s: 1, m: 60, h: 3600 }[(match?.[2] || 's') as 's' | 'm' | 'h']
  if (match && seconds >= 1 && seconds <= 86_400) return seconds
  context.addIssue({ code: 'custom', message: `"${String(value).slice(0, 40)}" is not a time like 30s, 5m or 2h` })
  return z.NEVER
})

export const within = (least: number, most: number, means = `must be ${least} to ${most}`) =>
  z
    .union([z.number(), z.string().regex(/^\d{1,9}(\.\d{1,3})?$/, means)])
    .transform(Number)
    .pipe(z.number().min(least, means).max(most, means))
export const whole = (least: number, most: number, means?: string) =>
  within(least, most, means).refine(Number.isInteger, 'must be a whole number')

/** As a list, in one text as JSON or between commas. `...` once in it stands for what the layers below say. */
export const listOf = (item: z.ZodType<string, string>, most = 200) =>
  z.union([z.array(z.string()), z.string().max(20_000).transform(listIn)]).pipe(
    z
      .array(z.union([z.literal(below), item]))
      .max(most)
      .refine((list) => list.filter((each) => each === below).length <= 1, 'must hold "..." once at most'),
  )
function listIn(text: string): unknown {
  if (text.startsWith('[')) {
    try {
      return JSON.parse(text)
    } catch {
      return [text]
    }
  }
  const parts = text.split(',').map((each) => each.trim())
  return parts.filter((each) => each !== '')
}
export const below = '...'

export const AccountName = z.string().regex(/^[a-z_][a-z0-9_-]{0,30}$/, 'must be the name of an account')
/** In the checkout, or absolute: never above it. */
export const Folder = Line.max(400)
  .regex(/^[^\s:;"'\\%$`{}<>]+$/, 'must hold no blanks, quotes and the like')
  .refine((path) => !path.split('/').includes('..'), 'must not hold ".."')
export const Inside = Folder.refine((path) => !path.startsWith('/'), 'must be a path in the checkout')
export const WebPath = z
  .string()
  .max(400)
  .regex(/^\/[\x21-\x7e]*$/, 'must be a path like /up')
  .refine((path) => !/["'\\`<>{}]/.test(path), 'must be a path like /up')
export const PackageName = z.string().regex(/^[a-z0-9][a-z0-9.+-]{0,100}$/, 'must be the name of a package')
export const Command = Line.refine((text) => text === '' || text.trim() !== '', 'must be a command')
