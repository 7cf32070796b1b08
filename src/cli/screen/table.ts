/** Tables and records as text: capitals, two spaces, no frames, numbers to the right, one column that gives way. */
import type { Column, Field } from '../answer.ts'
import { type Cell, cell, isRight } from './cells.ts'
import { cut, paint, type Style, signs, width } from './style.ts'

export interface Sheet {
  readonly style: Style
  readonly now: number
}

export function renderTable(records: readonly unknown[], columns: readonly Column[], sheet: Sheet): string {
  const { style, now } = sheet
  const shown = columns.filter((column) => !column.sparse || records.some((record) => isThere(column.get(record))))
  const grid = records.map((record) => shown.map((column) => readCell(column.get(record), column, sheet, now)))
  const widths = shown.map((column, index) =>
    Math.max(width(column.title), ...grid.map((row) => width(row[index]?.text ?? ''))),
  )
  fit(widths, shown, style.columns)
  const head = line(
    shown.map((column) => ({ text: column.title, tone: 'bold' })),
    shown,
    { widths, style },
  )
  return [head, ...grid.map((row) => line(row, shown, { widths, style }))].map((text) => `${text}\n`).join('')
}

export function renderFields(fields: readonly Field[], sheet: Sheet): string {
  const titles = Math.max(0, ...fields.map((field) => width(field.title)))
  const read = (field: Field): string => {
    const { text, tone } = readCell(field.value, field, sheet, sheet.now)
    return `${paint(sheet.style, 'dim', pad(field.title, titles))}  ${paint(sheet.style, tone, text)}\n`
  }
  return fields
    .filter((field) => isThere(field.value))
    .map(read)
    .join('')
}

const isThere = (value: unknown): boolean => value !== null && value !== undefined && value !== ''

function readCell(value: unknown, shown: Pick<Field, 'as'>, sheet: Sheet, now: number): Cell {
  const made = cell(value, shown.as, now)
  return { ...made, text: signs(sheet.style, made.text) }
}

/** Narrows the elastic column until the table fits; never below 8. */
function fit(widths: number[], columns: readonly Column[], available: number | undefined): void {
  const elastic = columns.findIndex((column) => column.elastic)
  const present = widths[elastic]
  if (available === undefined || present === undefined) return
  const total = widths.reduce((sum, each) => sum + each, 0) + 2 * (widths.length - 1)
  if (total > available) widths[elastic] = Math.min(present, Math.max(8, present - (total - available)))
}

function line(
  cells: readonly Cell[],
  columns: readonly Column[],
  how: { widths: readonly number[]; style: Style },
): string {
  const texts = cells.map(({ text, tone }, index) => {
    const room = how.widths[index] ?? 0
    const short = columns[index]?.elastic ? cut(text, room, signs(how.style, '…')) : text
    const gap = ' '.repeat(Math.max(0, room - width(short)))
    const painted = paint(how.style, tone, short)
    if (isRight(columns[index]?.as)) return gap + painted
    return index === cells.length - 1 ? painted : painted + gap
  })
  return texts.join('  ')
}

const pad = (text: string, room: number): string => text + ' '.repeat(Math.max(0, room - width(text)))
