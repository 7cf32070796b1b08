/** `/etc/jvmctl/apps/NAME.conf`: keys as of a shell, and sections of a unit. */
import type { Draft } from './import.ts'
import { type Ini, withoutPassword, words } from './ini.ts'

/** What jvmctl meant for itself. */
const own = [
  'CONTAINER',
  'PORT',
  'REPO',
  'GIT_BRANCH',
  'HEAP_SIZE',
  'JAVA_OPTS',
  'APP_OPTS',
  'JAVA_HOME',
  'USER',
  'JETTY_USER',
  'JETTY_VERSION',
]
const without = [
  'OOM_EMAIL',
  'SOCKET',
  'SOCKET_USER',
  'SOCKET_GROUP',
  'SOCKET_MODE',
  'EXEC_PREFIX',
  'GC_LOG_OPTS',
  'WEBAPPS_PATH',
  'ROOT_URL_PREFIX',
  'NLA_ENVIRON',
]

export function fromJvmctl(ini: Ini): Draft {
  const notes: string[] = []
  const values = new Map(
    [...(ini.get('') ?? []), ...(ini.get('jvm') ?? [])].map(([key, value]) => [key, unquoted(words(value))]),
  )
  const jetty = (values.get('CONTAINER') ?? 'jetty') === 'jetty'
  const web = webOf(values, jetty)
  const unit = unitOf(ini)
  const env = Object.fromEntries(
    [...values]
      .filter(([key]) => !own.includes(key) && !without.includes(key))
      .map(([key, value]) => [key, withoutPassword(key, value, notes)]),
  )
  if (jetty) {
    const options = [values.has('HEAP_SIZE') ? `-Xmx${values.get('HEAP_SIZE')}` : '', values.get('JAVA_OPTS') ?? '']
      .join(' ')
      .trim()
    if (options !== '') env.JAVA_TOOL_OPTIONS = options
    notes.push('app.root names the war in the release; the Jetty is the distribution’s')
  }
  const repo = values.get('REPO')
  if (repo !== undefined)
    notes.push(
      `the code: croft app add APP git=${repo}${values.has('GIT_BRANCH') ? ` ref=${values.get('GIT_BRANCH')}` : ''}`,
    )
  for (const key of without) if (values.has(key)) notes.push(`${key} has no like in croft.toml`)
  if (values.has('USER'))
    notes.push(`USER=${values.get('USER')}: daemons run as the user "app"; daemon.web.user changes that`)
  return {
    said: {
      app: { platform: jetty ? 'jetty' : 'plain' },
      ...(jetty ? {} : { build: { packages: ['default-jre-headless'] } }),
      ...(Object.keys(env).length > 0 ? { env } : {}),
      daemon: { web: { ...web, ...(Object.keys(unit).length > 0 ? { unit } : {}) } },
    },
    notes,
  }
}

function webOf(values: ReadonlyMap<string, string>, jetty: boolean): Record<string, unknown> {
  const port = values.get('PORT')
  const heap = values.get('HEAP_SIZE')
  const command = [
    'java',
    heap === undefined ? '' : `-Xmx${heap}`,
    values.get('JAVA_OPTS') ?? '',
    values.get('APP_OPTS') ?? '',
  ]
  return {
    ...(jetty ? {} : { command: words(command.join(' ')) }),
    ...(port === undefined ? {} : { port }),
  }
}

/** `[systemd.service.Unit]`, `[systemd.service.Service]` */
function unitOf(ini: Ini): Record<string, string> {
  return Object.fromEntries(
    [...ini].flatMap(([section, table]) => {
      const [, name] = /^systemd\.service\.(Unit|Service|Install)$/.exec(section) ?? []
      return name === undefined ? [] : [...table].map(([key, value]) => [`${name}.${key}`, words(value)])
    }),
  )
}

const unquoted = (text: string): string => /^(['"])([^'"]*)\1$/.exec(text)?.[2] ?? text
