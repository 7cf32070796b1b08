/** Values as people write them in croft.toml: `512M`, `5m`, `{ http = "/up" }`. */
import type { HealthCheck } from '../../api/app.ts'
import { sizeText } from '../amount.ts'

const sizes = /^(build\.(memory|disk)|daemon\.[^.]+\.memory|data\.[^.]+\.size)$/
const times = /^(build|before|cron\.[^.]+)\.timeout$/

export function friendly(path: string, value: unknown): unknown {
  if (typeof value === 'number' && sizes.test(path)) return sizeText(value)
  if (typeof value === 'number' && times.test(path)) return timeText(value)
  return value !== undefined && /^daemon\.[^.]+\.health$/.test(path) ? healthText(value as HealthCheck) : value
}

export function timeText(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`
}

function healthText({ kind, path, command, intervalSeconds, timeoutSeconds, withinSeconds }: HealthCheck): unknown {
  const times = Object.entries({ every: intervalSeconds, timeout: timeoutSeconds, within: withinSeconds }).flatMap(
    ([name, seconds]) => (seconds === undefined ? [] : [[name, timeText(seconds)] as const]),
  )
  if (kind === 'none') return 'none'
  const what = kind === 'http' ? path : kind === 'exec' ? command : true
  if (times.length === 0 && kind !== 'exec') return kind === 'tcp' ? 'tcp' : path
  return { [kind]: what, ...Object.fromEntries(times) }
}

const inline = (table: Readonly<Record<string, unknown>>): string =>
  `{ ${Object.entries(table)
    .map(([key, value]) => `${tomlKey(key)} = ${tomlValue(value)}`)
    .join(', ')} }`

export const tomlKey = (key: string): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : tomlString(key))

export function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`
  if (typeof value === 'object' && value !== null) return inline(value as Record<string, unknown>)
  return typeof value === 'string' ? tomlString(value) : String(value)
}

const tomlString = (text: string): string =>
  `"${text.replace(/["\\\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
  })}"`
