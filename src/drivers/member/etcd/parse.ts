/** What etcd says when it ends: lines of JSON, or of words, the last ones tell why. */
interface Line {
  readonly level?: string
  readonly msg?: string
  readonly error?: string
}

const most = 3

export function reasonIn(text: string): string {
  const lines = text.trimEnd().split('\n').slice(-50)
  const bad = lines.map(parseLine).filter((line) => line !== undefined)
  const reasons = bad.length > 0 ? bad : lines.filter((line) => /error|panic|fatal/i.test(line))
  return reasons.slice(-most).join('\n').slice(0, 1000)
}

function parseLine(line: string): string | undefined {
  const { level, msg = '', error } = parseJson(line)
  if (level !== 'fatal' && level !== 'panic' && level !== 'error') return undefined
  return error === undefined || msg.includes(error) ? msg : `${msg}: ${error}`
}

function parseJson(line: string): Line {
  try {
    return JSON.parse(line) as Line
  } catch {
    return {}
  }
}
