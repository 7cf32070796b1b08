/** What a change changed, in few words: `limits.cpus 2 → 1, labels.tier + data, rules + allow from pg tcp/5432`. Pure. */
import type { NewPort, Rule } from '../../../api/guest.ts'
import { portText } from '../../words/ports.ts'
import { ruleWords } from '../../words/rules.ts'

/** What means nothing to people beside the name that changes with it. */
const inner = /(^|\.)(id|number|kind)$/

/** Of lists what came and what went, as the command takes it that changes them. */
const lists: Readonly<Record<string, (element: never) => string>> = {
  rules: (rule: Rule) => [...ruleWords(rule), ...(rule.log ? ['--log'] : [])].join(' '),
  ports: (port: NewPort) => portText(port),
  keys: (key: string) => `key ${key.split(' ').slice(2).join(' ') || key}`,
}

/** Up to `most` of them; numbers and words as they are, everything deeper as JSON. */
export function changesBetween(before: unknown, after: unknown, most = 4): string {
  if (!isRecord(before) || !isRecord(after)) return ''
  const [old, now] = [flat(before), flat(after)]
  const paths = [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => !inner.test(path) && old.get(path) !== now.get(path))
    .sort()
  const all = paths.flatMap((path) => {
    const text = lists[path]
    const [was, is] = [before[path], after[path]]
    if (text && isList(was) && isList(is)) return tellList(path, textsOf(was, text), textsOf(is, text))
    return [tell(path, old.get(path), now.get(path))]
  })
  const told = all.slice(0, most)
  return [...told, ...(all.length > most ? [`and ${all.length - most} more`] : [])].join(', ')
}

function tell(path: string, before: string | undefined, after: string | undefined): string {
  if (before === undefined) return `${path} + ${after}`
  return after === undefined ? `${path} - ${before}` : `${path} ${before} → ${after}`
}

/** What is no such element after all, in a record of another version, is told as JSON. */
function textsOf(list: readonly unknown[], text: (element: never) => string): string[] {
  return list.map((element) => {
    try {
      return text(element as never)
    } catch {
      return JSON.stringify(element)
    }
  })
}

function tellList(path: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...before.filter((text) => !after.includes(text)).map((text) => `${path} - ${text}`),
    ...after.filter((text) => !before.includes(text)).map((text) => `${path} + ${text}`),
  ]
}

function flat(value: Record<string, unknown>, path = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, each] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`
    if (isRecord(each)) for (const [below, text] of flat(each, at)) found.set(below, text)
    else found.set(at, typeof each === 'string' ? each : JSON.stringify(each))
  }
  return found
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
