/** The one place where answers become text. Pure: what goes to stdout and stderr comes back. */
import { CroftError } from '../../api/errors.ts'
import { nearest } from '../../api/nearest.ts'
import type { Answer, Column } from '../answer.ts'
import { toCsv } from './csv.ts'
import { json as escapeJson, lines, oneLine } from './escape.ts'
import { checkFields } from './fields.ts'
import { paint, type Style, signs } from './style.ts'
import { renderFields, renderTable } from './table.ts'
import { toYaml } from './yaml.ts'

export const formats = ['table', 'wide', 'json', 'jsonl', 'yaml', 'csv', 'name'] as const
export type Format = (typeof formats)[number]

export interface RenderOptions {
  readonly format: Format
  /** Of JSON and YAML: only these, dots reach inside. */
  readonly fields: readonly string[]
  readonly columns: readonly string[]
  readonly sort: string | undefined
  readonly style: Style
  readonly now: number
}

export interface Rendered {
  readonly out: string
  readonly err: string
}

export function render(answer: Answer, options: RenderOptions): Rendered {
  switch (answer.kind) {
    case 'rows':
      return renderRows(answer, options)
    case 'record':
      return renderRecord(answer, options)
    case 'done':
      return renderDone(answer, options)
    case 'text': {
      const text = lines(answer.text)
      const out = isData(options.format) ? dataText(answer.record ?? answer.text, options) : withEnd(text)
      return { out: isData(options.format) ? out : signs(options.style, out), err: '' }
    }
  }
}

function renderRows(answer: Extract<Answer, { kind: 'rows' }>, options: RenderOptions): Rendered {
  const { format, style } = options
  const records = sorted(answer.records, answer.columns, options.sort)
  const columns = chosen(answer.columns, options)
  checkFields(records, options.fields)
  if (isData(format)) return { out: dataText(records, options), err: '' }
  if (format === 'name') return { out: records.map((record) => `${oneLine(answer.name(record))}\n`).join(''), err: '' }
  if (format === 'csv') return { out: csvText(columns, records, style), err: '' }
  if (records.length === 0 && answer.empty) return { out: '', err: `${signs(style, oneLine(answer.empty))}\n` }
  return { out: renderTable(records, columns, { style, now: options.now }), err: '' }
}

function renderRecord(answer: Extract<Answer, { kind: 'record' }>, options: RenderOptions): Rendered {
  const { format, style, now } = options
  checkFields([answer.record], options.fields)
  if (isData(format)) return { out: dataText(answer.record, options), err: '' }
  if (format === 'name') return { out: `${oneLine(answer.name)}\n`, err: '' }
  const titles = answer.fields.map((field) => field.title)
  const wanted = options.columns.map((name) => titles[findTitle(titles, name)])
  const fields = answer.fields.filter((field) => wanted.length === 0 || wanted.includes(field.title))
  if (format === 'csv') {
    const text = toCsv([fields.map((field) => field.title), fields.map((field) => field.value)])
    return { out: onTerminal(text, style), err: '' }
  }
  return { out: renderFields(fields, { style, now }), err: '' }
}

function renderDone(answer: Extract<Answer, { kind: 'done' }>, options: RenderOptions): Rendered {
  const { results, hint } = answer
  const { format, style } = options
  const good = results.filter((result) => !result.error)
  if (isData(format)) {
    if (!answer.many) return { out: results.length === 0 ? '' : dataText(results[0]?.record ?? null, options), err: '' }
    const records = results.map(({ name, record, error }) =>
      error
        ? { name, ok: false, error, ...(record === undefined ? {} : { result: record }) }
        : { name, ok: true, result: record ?? null },
    )
    return { out: dataText(records, options), err: '' }
  }
  if (format === 'name') return { out: good.map((result) => `${oneLine(result.name)}\n`).join(''), err: '' }
  if (format === 'csv') {
    const body = results.map(({ name, error }) => [name, !error, error?.code, error?.message])
    return { out: onTerminal(toCsv([['name', 'ok', 'code', 'message'], ...body]), style), err: '' }
  }
  const said = good.map(({ text }) => `${paint(style, 'good', signs(style, '✓'))} ${signs(style, oneLine(text))}\n`)
  const bad = results.flatMap(({ name, error }) =>
    error ? [errorText({ ...error, message: `${oneLine(name)}: ${error.message}` }, style)] : [],
  )
  return { out: said.join(''), err: bad.join('') + (hint ? `${paint(style, 'dim', signs(style, `  ${hint}`))}\n` : '') }
}

/** What and where / the last lines of the reason / the command to try. */
export function errorText(
  error: { readonly message: string; readonly hint?: string | undefined },
  style: Style,
): string {
  const [first = '', ...reason] = lines(error.message).trimEnd().split('\n')
  const head = `${paint(style, 'bad', signs(style, '✗'))} ${first}\n`
  const body = reason.map((line) => `    ${line}\n`).join('')
  const hint = error.hint ? `  ${signs(style, '→')} ${lines(error.hint).replaceAll('\n', '\n    ')}\n` : ''
  return head + body + hint
}

const isData = (format: Format): boolean => format === 'json' || format === 'jsonl' || format === 'yaml'

function dataText(value: unknown, { format, fields }: RenderOptions): string {
  const picked =
    fields.length === 0 ? value : Array.isArray(value) ? value.map((each) => pick(each, fields)) : pick(value, fields)
  if (format === 'yaml') return toYaml(picked)
  if (format === 'jsonl' && Array.isArray(picked)) return picked.map((each) => `${jsonText(each)}\n`).join('')
  return `${jsonText(picked, format === 'json' ? 2 : 0)}\n`
}

export function jsonText(value: unknown, indent = 0): string {
  return escapeJson(JSON.stringify(value, null, indent) ?? 'null')
}

function pick(record: unknown, fields: readonly string[]): unknown {
  return Object.fromEntries(fields.map((field) => [field, reach(record, field.split('.')) ?? null]))
}

function reach(value: unknown, path: readonly string[]): unknown {
  const [first, ...rest] = path
  if (first === undefined) return value
  const inside = typeof value === 'object' && value !== null && Object.hasOwn(value, first)
  return inside ? reach((value as Record<string, unknown>)[first], rest) : undefined
}

function chosen(columns: readonly Column[], options: RenderOptions): readonly Column[] {
  if (options.columns.length === 0) return columns.filter((column) => !column.wide || options.format === 'wide')
  const titles = columns.map((column) => column.title)
  return options.columns.flatMap((name) => columns[findTitle(titles, name)] ?? [])
}

/** By its title in any case, or its beginning when only one begins so. */
function findTitle(titles: readonly string[], name: string): number {
  const wanted = name.toUpperCase()
  const exact = titles.findIndex((title) => title.toUpperCase() === wanted)
  if (exact >= 0) return exact
  const beginning = titles.filter((title) => title.toUpperCase().startsWith(wanted))
  if (beginning.length === 1) return titles.indexOf(beginning[0] ?? '')
  const low = titles.map((title) => title.toLowerCase())
  const near = nearest(name, low)
  throw new CroftError(
    'USAGE',
    `there is no column "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
    {
      hint: `there are ${low.join(' ')}`,
    },
  )
}

function sorted(records: readonly unknown[], columns: readonly Column[], by: string | undefined): readonly unknown[] {
  if (by === undefined) return records
  const down = by.startsWith('-')
  const column =
    columns[
      findTitle(
        columns.map((each) => each.title),
        by.replace(/^[-+]/, ''),
      )
    ]
  const keyed = records.map((record) => ({ record, key: column?.get(record) }))
  return keyed.sort((a, b) => compare(a.key, b.key, down)).map(({ record }) => record)
}

/** Numbers by value, words by letter with their numbers in order; what is not there comes last either way. */
function compare(a: unknown, b: unknown, down: boolean): number {
  const missing = Number(a === null || a === undefined) - Number(b === null || b === undefined)
  if (missing !== 0 || a === null || a === undefined) return missing
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : compareWords(String(a), String(b))
  return down ? -order : order
}

/** web9 before web10. Intl would cost 20 ms at its first use. */
function compareWords(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? []
  const right = b.match(/\d+|\D+/g) ?? []
  for (const [index, part] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    const numbers = Number(part) - Number(other)
    if (!Number.isNaN(numbers) && numbers !== 0) return numbers
    if (Number.isNaN(numbers) && part !== other) return part < other ? -1 : 1
  }
  return left.length - right.length
}

function csvText(columns: readonly Column[], records: readonly unknown[], style: Style): string {
  const head = columns.map((column) => column.title.toLowerCase())
  return onTerminal(toCsv([head, ...records.map((record) => columns.map((column) => column.get(record)))]), style)
}

/** Nothing is guarded in a file; on a terminal control characters are shown. */
const onTerminal = (text: string, style: Style): string => (style.columns === undefined ? text : lines(text))

const withEnd = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)
