/** JSON values as YAML 1.2. Every string that could be read as something else is quoted. */
import { json as escapeJson } from './escape.ts'

export function toYaml(value: unknown): string {
  return `${block(value, '').replace(/^\n/, '')}\n`
}

/** What follows a key or a dash: a scalar on the same line, or a block on lines of its own that starts with a line end. */
function block(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    return value.map((entry) => `\n${indent}- ${inItem(entry, indent)}`).join('')
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined)
    if (entries.length === 0) return '{}'
    return entries.map(([key, each]) => `\n${indent}${scalar(key)}:${behindKey(each, indent)}`).join('')
  }
  return scalar(value)
}

function behindKey(value: unknown, indent: string): string {
  const text = block(value, `${indent}  `)
  return text.startsWith('\n') ? text : ` ${text}`
}

/** The first line of a block stands behind the dash. */
function inItem(value: unknown, indent: string): string {
  const text = block(value, `${indent}  `)
  return text.startsWith('\n') ? text.slice(1 + indent.length + 2) : text
}

const plainString = /^[A-Za-z_/][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*$/
const meansSomethingElse = /^(?:true|false|yes|no|on|off|y|n|null|nan|inf)$/i

function scalar(value: unknown): string {
  if (typeof value === 'string') {
    if (plainString.test(value) && !meansSomethingElse.test(value)) return value
    return escapeJson(JSON.stringify(value))
  }
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  return typeof value === 'boolean' ? String(value) : 'null'
}
