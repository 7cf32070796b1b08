/** A raw value as people read it. */
import type { Shown } from '../answer.ts'
import { oneLine } from './escape.ts'
import type { Tone } from './style.ts'

export interface Cell {
  readonly text: string
  readonly tone?: Tone
}

export const none = '–'

export function cell(value: unknown, as: Shown | undefined, now: number): Cell {
  if (value === null || value === undefined || value === '') return { text: none, tone: 'dim' }
  switch (as) {
    case 'bytes':
      return { text: typeof value === 'number' ? bytesText(value) : plain(value) }
    case 'age':
      return { text: ageText(value, now) }
    case 'seconds':
      return { text: typeof value === 'number' ? durationText(value * 1000) : plain(value) }
    case 'percent':
      return { text: typeof value === 'number' ? `${value.toFixed(1)}%` : plain(value) }
    case 'state':
      return stateCell(plain(value))
    case 'verdict':
      return verdictCell(plain(value))
    default:
      return { text: plain(value) }
  }
}

export const isRight = (as: Shown | undefined): boolean =>
  as === 'number' || as === 'bytes' || as === 'percent' || as === 'seconds'

function plain(value: unknown): string {
  if (typeof value === 'string') return oneLine(value)
  if (typeof value === 'object' && value !== null) return oneLine(JSON.stringify(value))
  return oneLine(String(value))
}

/** 512 MB, 1.5 GB: powers of 1024, at most one digit behind the point. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1023.95 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 99.95 || Number.isInteger(value) ? 0 : 1
  return `${value.toFixed(digits).replace(/\.0$/, '')} ${units[unit]}`
}

/** 41s, 3m, 2h, 5d since a moment given as RFC 3339. */
function ageText(value: unknown, now: number): string {
  const then = Date.parse(String(value))
  return Number.isNaN(then) ? plain(value) : durationText(Math.max(0, now - then))
}

export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

const stateSigns: ReadonlyMap<string, readonly [sign: string, tone: Tone | undefined]> = new Map([
  ['running', ['●', 'good']],
  ['ready', ['●', 'good']],
  ['up', ['●', 'good']],
  ['drained', ['○', 'warn']],
  ['away', ['▲', 'warn']],
  ['host away', ['▲', 'warn']],
  ['dead', ['✗', 'bad']],
  ['serves', ['●', 'good']],
  ['degraded', ['▲', 'warn']],
  ['draining', ['◐', undefined]],
  ['deploying', ['◐', undefined]],
  ['retiring', ['◐', undefined]],
  ['unhealthy', ['✗', 'bad']],
  ['down', ['✗', 'bad']],
  ['empty', ['○', 'dim']],
  ['valid', ['●', 'good']],
  ['ends-soon', ['▲', 'warn']],
  ['failing', ['▲', 'warn']],
  ['expired', ['✗', 'bad']],
  ['ended', ['✗', 'bad']],
  ['maintenance', ['▲', 'warn']],
  ['no-target', ['✗', 'bad']],
  ['no-answer', ['✗', 'bad']],
  ['mounted', ['●', 'good']],
  ['done', ['✓', 'good']],
  ['stopped', ['○', 'dim']],
  ['frozen', ['○', 'warn']],
  ['cancelled', ['○', 'dim']],
  ['creating', ['◐', undefined]],
  ['starting', ['◐', undefined]],
  ['stopping', ['◐', undefined]],
  ['removing', ['◐', undefined]],
  ['building', ['◐', undefined]],
  ['taking', ['◐', undefined]],
  ['copying', ['◐', undefined]],
  ['late', ['▲', 'warn']],
  ['waits', ['▲', 'warn']],
  ['failed', ['✗', 'bad']],
  ['lost', ['✗', 'bad']],
  ['missing', ['✗', 'bad']],
])

export function stateCell(state: string): Cell {
  const known = stateSigns.get(state)
  if (!known) return { text: state }
  const [sign, tone] = known
  return { text: `${sign} ${state}`, ...(tone === undefined ? {} : { tone }) }
}

function verdictCell(verdict: string): Cell {
  if (verdict === 'ok') return { text: '✓ ok', tone: 'good' }
  if (verdict === 'warn') return { text: '▲ warn', tone: 'warn' }
  return { text: verdict === 'red' ? '✗ red' : verdict, tone: 'bad' }
}
