/** `.metactl`: environment, daemons, a table of cron jobs. */
import type { Draft } from './import.ts'
import { type Ini, partName, withoutPassword, words } from './ini.ts'
import { javaCommand } from './java.ts'

export function fromMetactl(ini: Ini): Draft {
  const notes: string[] = []
  const said: Record<string, unknown> = {}
  const text = interpolation(ini, notes)
  for (const [section, table] of ini) {
    const values = new Map([...table].map(([key, value]) => [key, text(section, value)]))
    if (section === 'env')
      said.env = Object.fromEntries([...values].map(([key, value]) => [key, withoutPassword(key, value, notes)]))
    else if (section.startsWith('daemon.')) daemon(said, section.slice('daemon.'.length), values, notes)
    else if (section === 'crontab') said.cron = crontab(values, notes)
    else if (section === 'build') build(values, notes)
    else if (section.startsWith('firewall'))
      for (const [key, value] of values)
        notes.push(`[${section}] ${key} = ${value}: croft allow and croft deny set what an instance may reach`)
    else for (const key of values.keys()) notes.push(`[${section}] ${key} has no like in croft.toml`)
  }
  const daemons = Object.keys((said.daemon as object | undefined) ?? {})
  if (said.app === undefined) said.app = { platform: 'plain' }
  if (daemons.length > 0)
    notes.push('ports and health checks are not in .metactl: set port and health of the daemon that answers')
  return { said, notes }
}

/** `%(NAME)`, `%(NAME)s`, `${key}` of the same section, `${section:key}`: names of the environment stay names. */
function interpolation(ini: Ini, notes: string[]) {
  const value = (section: string, name: string, depth: number): string => {
    const [other, key] = name.includes(':') ? (name.split(':', 2) as [string, string]) : [section, name]
    if (ini.get('env')?.has(key) && (other === section || other === 'env')) return `\${env.${key}}`
    const found = ini.get(other)?.get(key)
    if (found !== undefined && depth < 8) return replaced(other, found, depth + 1)
    notes.push(`[${section}] names ${name}, which is not in the file: it stands as it was`)
    return `$\${${name}}`
  }
  const replaced = (section: string, text: string, depth: number): string =>
    text
      .slice(0, 10_000)
      .replaceAll(/%%|%\(([^)]+)\)s?|\$\{([^}]+)\}/g, (whole, percent?: string, dollar?: string) =>
        whole === '%%' ? '%' : value(section, percent ?? dollar ?? '', depth),
      )
  return (section: string, text: string): string => replaced(section, text, 0).slice(0, 20_000)
}

function daemon(
  said: Record<string, unknown>,
  name: string,
  values: ReadonlyMap<string, string>,
  notes: string[],
): void {
  const kind = values.get('container') ?? values.get('platform') ?? 'none'
  const jetty = kind.startsWith('jetty')
  const known = new Set(['container', 'platform', 'command'])
  const daemons = (said.daemon ?? {}) as Record<string, unknown>
  said.daemon = daemons
  if (jetty) {
    said.app = { platform: 'jetty' }
    const port = values.get('jetty.port')
    daemons.web = port === undefined ? {} : { port }
    if (port === undefined) delete daemons.web
    notes.push(
      `daemon ${name} was a Jetty (${kind}): it is the daemon "web" of the platform jetty; app.root names its war`,
    )
    for (const key of values.keys())
      if (!known.has(key) && key !== 'jetty.port')
        notes.push(`[daemon.${name}] ${key} has no like: options of Java go to env.JAVA_TOOL_OPTIONS`)
    return
  }
  const java = javaCommand(values)
  const command = values.get('command') ?? java
  if (command === undefined) {
    notes.push(`daemon ${name} says nothing that can be run: left out`)
    return
  }
  if (java !== undefined) said.build = { packages: ['default-jre-headless'] }
  daemons[partName(name)] = { command: words(command) }
  for (const key of values.keys())
    if (!known.has(key) && !/^(java|jvm)\./.test(key)) notes.push(`[daemon.${name}] ${key} has no like in croft.toml`)
}

/** `daily housekeeping = 5 0 * * * curl …` */
function crontab(values: ReadonlyMap<string, string>, notes: string[]): Record<string, unknown> {
  const jobs: Record<string, unknown> = {}
  for (const [title, line] of values) {
    const [, schedule, command] = /^((?:\S+\s+){5})(\S.*)$/.exec(words(line)) ?? []
    if (schedule === undefined || command === undefined)
      notes.push(`the job "${title}" is not five fields and a command: left out`)
    else jobs[partName(title)] = { schedule: schedule.trim(), command }
  }
  return jobs
}

function build(values: ReadonlyMap<string, string>, notes: string[]): void {
  const repo = values.get('repo')
  const tag = values.get('tag') ?? values.get('branch')
  if (repo?.startsWith('svn'))
    notes.push(`the code is in Subversion (${repo}); croft builds from git, an archive or a folder: croft build --tar`)
  else if (repo !== undefined)
    notes.push(`the code: croft app add APP git=${repo}${tag === undefined ? '' : ` ref=${tag}`}`)
  for (const key of values.keys())
    if (!['repo', 'tag', 'branch'].includes(key)) notes.push(`[build] ${key} has no like in croft.toml`)
}
