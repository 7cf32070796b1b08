/** What documents show of a console: commands behind `# ` or `$ `, and what they printed. */
export interface Shown {
  readonly line: string
  readonly printed: readonly string[]
}

export function consoleOf(markdown: string): Shown[] {
  const blocks = [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].map(([, text = '']) => text.trimEnd().split('\n'))
  const shown: { line: string; printed: string[] }[] = []
  for (const line of blocks.flat()) {
    if (/^[#$] /.test(line)) shown.push({ line: line.slice(2), printed: [] })
    else shown.at(-1)?.printed.push(line)
  }
  return shown
}

/** The words that a shell would make of a line with quotes and without anything else special. */
export function wordsOf(line: string): string[] {
  return (line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/s, '$2'))
}
