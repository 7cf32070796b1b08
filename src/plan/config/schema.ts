/** What croft.toml may say, by the names that people write; out comes what one layer says (`AppConfig`). */
import { z } from 'zod'
import { type AppConfig, AppName, type HealthCheck, platformNames } from '../../api/app.ts'
import { DomainOrWildcard } from '../../api/domain.ts'
import { RouteChange } from '../../api/edge.ts'
import { countMeans, mostInstances } from '../../api/instances.ts'
import { flat } from './issues.ts'
import { routeFields } from './paths.ts'
import { isSchedule } from './schedule.ts'
import * as v from './values.ts'

const { Command, Flag, Folder, Inside, Line, listOf, PartName, Port, Seconds, Size, Variables } = v

const App = z.strictObject({
  name: AppName.optional().describe('what the application is called'),
  platform: z.enum(platformNames).optional().describe('which defaults it begins with'),
  root: Inside.optional().describe('the folder that is served (static, php)'),
  fallback: Inside.optional().describe('the file that answers where there is none (static, php)'),
})

const Build = z
  .strictObject({
    base: v.Template.optional().describe('the template that it is built in and runs on'),
    packages: listOf(v.PackageName).optional().describe('packages of the distribution, beside those of the platform'),
    commands: listOf(Command).optional().describe('one after the other, in the checkout, as an ordinary user'),
    artifacts: listOf(Inside).optional().describe('what of the checkout goes into the release; all of it by itself'),
    env: Variables.optional().describe('the environment of the commands'),
    secrets: listOf(v.VariableName).optional().describe('secrets that the commands may see'),
    submodules: Flag.optional(),
    memory: Size.optional(),
    cpus: v.within(0.05, 1024).optional(),
    disk: Size.optional(),
    timeout: Seconds.optional(),
  })
  .transform(({ memory, disk, timeout, ...rest }) =>
    named({ ...rest, memoryBytes: memory, diskBytes: disk, timeoutSeconds: timeout }),
  )

const times = { every: Seconds.optional(), timeout: Seconds.optional(), within: Seconds.optional() }
const oneOf = 'must say one of http, tcp and exec'
const HealthTable = z
  .strictObject({ http: v.WebPath.optional(), tcp: z.literal(true).optional(), exec: Command.optional(), ...times })
  .refine(({ http, tcp, exec }) => [http, tcp, exec].filter((each) => each !== undefined).length === 1, oneOf)
  .transform(
    ({ http, exec, every, timeout, within }): HealthCheck => ({
      ...(http === undefined ? (exec === undefined ? { kind: 'tcp' } : { kind: 'exec', command: exec }) : web(http)),
      ...(named({ intervalSeconds: every, timeoutSeconds: timeout, withinSeconds: within }) as Partial<HealthCheck>),
    }),
  )
const web = (path: string): HealthCheck => ({ kind: 'http', path })
const Health = z.union(
  [z.enum(['tcp', 'none']).transform((kind): HealthCheck => ({ kind })), v.WebPath.transform(web), HealthTable],
  {
    error: 'must be a path like "/up", "tcp", "none", or {http|tcp|exec, every, timeout, within}',
  },
)

/** `Restart`, `Service.Nice`, `Unit.After`. */
const UnitKey = z
  .string()
  .regex(/^((Unit|Service|Install)\.)?[A-Z][A-Za-z0-9]{0,60}$/, 'must be an option like Restart or Unit.After')
const UnitValue = z
  .union([Line, z.number(), z.boolean()])
  .transform(String)
  .refine((text) => !text.endsWith('\\'), 'must not end with a backslash')
const UnitSection = z
  .record(UnitKey, z.union([UnitValue, z.record(UnitKey, UnitValue)]))
  .transform((unit) =>
    Object.fromEntries(
      Object.entries(unit).flatMap(([key, value]) =>
        typeof value === 'string'
          ? [[key, value]]
          : Object.entries(value).map(([name, text]) => [`${key}.${name}`, text]),
      ),
    ),
  )

const Daemon = z
  .strictObject({
    command: Command.optional().describe('what it is; empty: this daemon of a layer below is not run'),
    port: Port.optional().describe('where it listens'),
    health: Health.optional().describe('how it is seen to be well'),
    user: v.AccountName.optional(),
    directory: Folder.optional(),
    memory: Size.optional(),
    unit: UnitSection.optional().describe('options of systemd.service(5)'),
    env: Variables.optional(),
  })
  .transform(({ directory, memory, ...rest }) => named({ ...rest, folder: directory, memoryBytes: memory }))

const Cron = z
  .strictObject({
    schedule: Line.refine(isSchedule, 'must be five fields of crontab(5), or a time of systemd.time(7)').optional(),
    command: Command.optional(),
    on: z.enum(['once', 'each']).optional().describe('on one instance of the site, or on each'),
    user: v.AccountName.optional(),
    timeout: Seconds.optional(),
  })
  .transform(({ timeout, ...rest }) => named({ ...rest, timeoutSeconds: timeout }))

type RouteKey = 'https' | 'check' | 'rate' | 'bodyMax'
/** Further settings of `croft route`, by their names there; it alone knows their forms. */
const routeSettings = Object.entries(routeFields).filter(
  ([name]) => !['domains', 'aliases', 'paths'].includes(name),
) as [string, RouteKey][]
const Setting = (key: RouteKey) =>
  z
    .union([Line, z.number(), z.boolean(), z.array(Line).transform((list) => list.join(','))])
    .superRefine((value, context) => {
      const { success, error } = RouteChange.shape[key].unwrap().options[1].safeParse(value)
      if (!success) for (const { message } of flat(error.issues)) context.addIssue({ code: 'custom', message })
    })
const Route = z
  .strictObject({
    domains: listOf(DomainOrWildcard, 40).optional(),
    aliases: listOf(DomainOrWildcard, 40).optional().describe('names that lead to the first domain'),
    paths: z.record(v.WebPath, PartName).optional().describe('path = the daemon that answers there'),
    ...Object.fromEntries(routeSettings.map(([name, key]) => [name, Setting(key).optional()])),
  })
  .transform(({ domains, aliases, paths, ...rest }) => {
    const settings = Object.entries(named(rest)).map(([name, value]) => [routeFields[name], value])
    return named({ domains, aliases, paths, settings: settings.length > 0 ? Object.fromEntries(settings) : undefined })
  })
const Data = z
  .strictObject({ path: Folder.optional(), size: Size.optional() })
  .transform(({ path, size }) => named({ path, sizeBytes: size }))

const Before = z
  .strictObject({ command: Command.optional(), timeout: Seconds.optional() })
  .transform(({ command, timeout }) => named({ command, timeoutSeconds: timeout }))

const SizeName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be the name of a size')

export const CroftToml = z
  .strictObject({
    app: App.optional(),
    build: Build.optional(),
    env: Variables.optional().describe('the environment of all daemons and cron jobs'),
    daemon: z.record(PartName, Daemon).optional(),
    cron: z.record(PartName, Cron).optional(),
    route: Route.optional(),
    data: z.record(PartName, Data).optional(),
    instances: z
      .strictObject({ count: v.whole(1, mostInstances, countMeans).optional(), size: SizeName.optional() })
      .optional(),
    before: Before.optional().describe('runs once before traffic, in a new instance'),
  })
  .transform((config): AppConfig => named(config) as AppConfig)

/** What was not said is absent, not undefined. */
function named(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}
