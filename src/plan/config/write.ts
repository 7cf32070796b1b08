/** A configuration as text of croft.toml. What is read from it is the configuration again. */
import type { AppConfig } from '../../api/app.ts'
import { friendly, tomlKey, tomlValue } from './friendly.ts'
import { flatten, segmentsOf } from './paths.ts'

/** `notes`: path → what is said behind its value; `head`: lines above all. */
export function tomlOf(
  config: AppConfig,
  notes: Readonly<Record<string, string>> = {},
  head: readonly string[] = [],
): string {
  const tables = new Map<string, string[]>()
  for (const [path, value] of flatten(config)) {
    const segments = segmentsOf(path)
    const depth = ['daemon', 'cron', 'data'].includes(segments[0] ?? '') ? 2 : 1
    const table = segments.slice(0, depth).join('.')
    const key = segments.slice(depth).map(tomlKey).join('.')
    const note = Object.hasOwn(notes, path) ? `  # ${comment(notes[path] ?? '')}` : ''
    tables.set(table, [...(tables.get(table) ?? []), `${key} = ${tomlValue(friendly(path, value))}${note}`])
  }
  const text = [...tables].map(([table, lines]) => `[${table}]\n${lines.join('\n')}\n`)
  return [...(head.length > 0 ? [head.map((line) => `# ${comment(line)}\n`).join('')] : []), ...text].join('\n')
}

const comment = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim()
