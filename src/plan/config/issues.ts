/** Zod's issues as the one place and line that people are told. */
import type { z } from 'zod'

export interface Issue {
  readonly path: readonly string[]
  readonly message: string
  /** Names that are not known there. */
  readonly unknown?: readonly string[]
  /** It is the name that is wrong, not what it says. */
  readonly ofName?: true
}

type Raw = z.core.$ZodIssue

/** Of a choice the one that came furthest is told: what was meant is most like it. */
export function flat(issues: readonly Raw[], above: readonly string[] = []): Issue[] {
  return issues.flatMap((issue): Issue[] => {
    const path = [...above, ...issue.path.map(String)]
    if (issue.code === 'unrecognized_keys') return [{ path, message: 'is not known', unknown: issue.keys }]
    if (issue.code === 'invalid_key') return flat(issue.issues, path).map((inner) => ({ ...inner, path, ofName: true }))
    if (issue.code === 'invalid_element') return flat(issue.issues, path).map((inner) => ({ ...inner, path }))
    if (issue.code === 'invalid_union') return choice(issue, path)
    return [{ path, message: wording(issue) }]
  })
}

function choice(issue: Extract<Raw, { code: 'invalid_union' }>, path: readonly string[]): Issue[] {
  const tried = issue.errors
    .map((each) => flat(each, path))
    .filter(
      (each) =>
        !each.some(
          (one) =>
            one.path.length === path.length && /^must be a? ?(text|list|table|number|true|one of)/.test(one.message),
        ),
    )
  const [best = []] = tried.sort((a, b) => depth(b) - depth(a))
  // A name that is not known there says more than what is missing because of it.
  const slips = best.filter((one) => one.unknown)
  if (slips.length > 0) return slips
  if (best.length > 0 && (depth(best) > path.length || issue.message === 'Invalid input')) return best
  if (issue.message !== 'Invalid input') return [{ path, message: issue.message }]
  const kinds = [...new Set(issue.errors.flatMap((each) => flat(each, path).map((one) => one.message)))]
  return [{ path, message: kinds.join(', or ') }]
}
const depth = (issues: readonly Issue[]): number => Math.max(...issues.map((each) => each.path.length))

const kinds: Readonly<Record<string, string>> = {
  string: 'a text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a table',
  record: 'a table',
}

function wording(issue: Raw): string {
  if (issue.code === 'invalid_type') return `must be ${kinds[issue.expected] ?? issue.expected}`
  if (issue.code === 'invalid_value')
    return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
  if (issue.code === 'too_big' && issue.origin === 'array') return `must have ${issue.maximum} at most`
  return issue.message
}
