/** When a job runs: five fields of crontab(5), or OnCalendar of systemd.time(7). Out comes OnCalendar. */

const words = ['minutely', 'hourly', 'daily', 'weekly', 'monthly', 'quarterly', 'semiannually', 'yearly', 'annually']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

export const isSchedule = (text: string): boolean => onCalendar(text) !== undefined

/** Lines that hold together: any of them is a time. Undefined when it is no schedule. */
export function onCalendar(text: string): readonly string[] | undefined {
  const plain = text.trim().replace(/\s+/g, ' ')
  const word = plain.replace(/^@/, '').toLowerCase()
  if (words.includes(word)) return [word === 'annually' ? 'yearly' : word]
  if (word === 'midnight') return ['daily']
  const fields = plain.split(' ')
  return fields.length === 5 ? fromCrontab(fields) : isCalendar(plain) ? [plain] : undefined
}

function fromCrontab([minute = '', hour = '', day = '', month = '', weekday = '']: readonly string[]):
  | string[]
  | undefined {
  const at = [
    range(minute, 0, 59),
    range(hour, 0, 23),
    range(day, 1, 31),
    range(month, 1, 12, months),
    range(weekday, 0, 7, days),
  ]
  if (at.some((field) => field === undefined)) return undefined
  const [minutes = [], hours = [], dates = [], inMonths = [], on = []] = at as number[][]
  const time = `${list(hours, 24)}:${list(minutes, 60)}:00`
  const date = (dates: readonly number[]) => `*-${list(inMonths, 12)}-${list(dates, 31)} ${time}`
  const names = [...new Set(on.map((each) => each % 7))].map((each) => capital(days[each] ?? '')).join(',')
  const anyDay = day.startsWith('*')
  const anyWeekday = weekday.startsWith('*')
  if (weekday === '*') return [date(dates)]
  // As cron has it: with both said, either is enough; with a star in one, both must hold.
  if (anyDay || anyWeekday) return [`${names} ${date(dates)}`]
  return [date(dates), `${names} ${date(everyDay)}`]
}
const everyDay = Array.from({ length: 31 }, (_, index) => index + 1)
const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1)
const list = (values: readonly number[], all: number): string =>
  values.length === all ? '*' : values.map((value) => String(value).padStart(2, '0')).join(',')

/** `*`, `5`, `1-5`, `10-59/10`, `1,2,10-20/2`, names where there are some: in order, each once. */
function range(field: string, least: number, most: number, names: readonly string[] = []): number[] | undefined {
  const found = new Set<number>()
  for (const part of field.split(',')) {
    const match = /^(?:\*|(\w{1,3})(?:-(\w{1,3}))?)(?:\/(\d{1,2}))?$/.exec(part)
    if (!match) return undefined
    const [, first, last, step] = match
    const from = first === undefined ? least : numberOf(first, names, least)
    const to =
      last === undefined ? (first === undefined || step !== undefined ? most : from) : numberOf(last, names, least)
    const by = Number(step ?? 1)
    if (from === undefined || to === undefined || from < least || to > most || from > to || by < 1) return undefined
    for (let value = from; value <= to; value += by) found.add(value)
  }
  return [...found].sort((a, b) => a - b)
}

function numberOf(text: string, names: readonly string[], least: number): number | undefined {
  const index = names.indexOf(text.toLowerCase())
  if (index >= 0) return index + (least === 1 ? 1 : 0)
  return /^\d{1,2}$/.test(text) ? Number(text) : undefined
}

const weekday = '(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*'
const weekdays = `${weekday}(?:(?:\\.\\.|,)${weekday})*`
const part = '(?:\\*|\\d{1,4})(?:\\.\\.\\d{1,4})?(?:\\/\\d{1,4})?'
const parts = `${part}(?:,${part})*`
const date = `(?:${parts}-)?${parts}[-~]${parts}`
const time = `${parts}:${parts}(?::${parts}(?:\\.\\d{1,6})?)?`
const calendar = new RegExp(
  `^(?:${weekdays})?(?:(?:^| )${date})?(?:(?:^| )${time})?(?: (?:UTC|[A-Z][A-Za-z]+/[A-Za-z_/+-]+))?$`,
  'i',
)

/** What the service manager reads; a shape that it would not read is none of ours. */
function isCalendar(text: string): boolean {
  return text.length <= 200 && calendar.test(text) && !/^(UTC|[a-z]+\/)/i.test(text) && text !== ''
}
