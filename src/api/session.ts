/** What a session is asked to run; frames.ts has the wire. */
import { z } from 'zod'
import { longestSide } from './frames.ts'

const Text = z.string().regex(/^[^\0]*$/, 'must not hold a NUL')
const Side = z.number().int().min(1).max(longestSide)
const Id = z.number().int().min(0).max(65_535)

export const SessionStart = z.strictObject({
  command: z.array(Text).max(10_000),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/, 'must be the name of a variable'), Text),
  user: z.strictObject({ uid: Id, gid: Id }).optional(),
  terminal: z.strictObject({ columns: Side, rows: Side }).optional(),
})
