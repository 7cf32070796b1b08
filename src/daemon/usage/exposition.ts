/** Prometheus' text format, version 0.0.4: pure. https://prometheus.io/docs/instrumenting/exposition_formats/ */

export type Labels = Readonly<Record<string, string>>

export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** Null is "not known", and no line. */
export type Sample = readonly [labels: Labels, value: number | null | undefined]

/** A family without a sample is left out. Each sample once: who scrapes refuses the whole page for one that comes twice. */
export function exposition(families: readonly Family[]): string {
  return families.map(familyText).join('')
}

function familyText({ name, type, help, samples }: Family): string {
  const lines = samples.flatMap(([labels, value]) =>
    value === null || value === undefined ? [] : `${name}${labelsText(labels)} ${numberText(value)}\n`,
  )
  if (lines.length === 0) return ''
  return `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${labelValue(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const labelValue = (value: string): string => value.toWellFormed().replace(/[\\\n"]/g, escaped)

const escaped = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`)

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf'
}
