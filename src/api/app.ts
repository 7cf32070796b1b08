/** Applications: the names people type, what `croft.toml` may say, and what becomes of it when all layers are joined. */
import { z } from 'zod'
import { reservedNames } from './values.ts'

export const platformNames = ['static', 'node', 'php', 'python', 'java', 'jetty', 'plain'] as const
export type PlatformName = (typeof platformNames)[number]

const label = /^[a-z][a-z0-9-]{0,30}[a-z0-9]$|^[a-z]$/
/** Becomes the name of templates and a label of host names. */
export const AppName = z
  .string()
  .regex(label, 'must be 1 to 32 of a-z, 0-9 and -, beginning with a letter')
  .refine((name) => !reservedNames.has(name), {
    error: (issue) =>
      `"${String(issue.input)}" is a word of the command line, so no app can be called so; "${String(issue.input)}1" would do`,
  })
  .refine((name) => !/^(debian|ubuntu|alpine|base-.*)$/.test(name), 'must not be a name of what apps are built on')
/** `build` is where the guests of builds have their names. */
export const StageName = z
  .string()
  .regex(label, 'must be 1 to 32 of a-z, 0-9 and -, beginning with a letter')
  .refine((name) => name !== 'build', 'must not be "build"')

/** `shop/prod`. */
export const SiteName = z.string().transform((text, context) => {
  const [app, stage, ...rest] = text.split('/')
  if (AppName.safeParse(app).success && StageName.safeParse(stage).success && rest.length === 0) return text
  context.addIssue({ code: 'custom', message: `"${text.slice(0, 80)}" is not a site like shop/prod` })
  return z.NEVER
})

/** Where secrets are kept: a site, or `shop/build` for those of an app's builds. */
export const SitePlace = z.string().transform((text, context) => {
  const [app, stage, ...rest] = text.split('/')
  if (stage === 'build' && rest.length === 0 && AppName.safeParse(app).success) return text
  const site = SiteName.safeParse(text)
  if (site.success) return text
  for (const { message } of site.error.issues) context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** Of a release: a tag, or the first letters of a commit. */
export const VersionName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,40}$/, 'must be 1 to 41 of a-z, 0-9, dot, _ and -')
  .refine((text) => !text.includes('..'), 'must not hold ".."')

export interface HealthCheck {
  /** `http`: a GET of `path` answers 200 to 399. `tcp`: it can be connected to. `exec`: `command` ends with 0, in the instance. */
  readonly kind: 'http' | 'tcp' | 'exec' | 'none'
  readonly path?: string
  readonly command?: string
  readonly intervalSeconds?: number
  readonly timeoutSeconds?: number
  /** How long the first good answer may take. */
  readonly withinSeconds?: number
}

export interface DaemonConfig {
  readonly command?: string
  readonly port?: number
  readonly health?: HealthCheck
  readonly user?: string
  readonly folder?: string
  readonly memoryBytes?: number
  /** Of the service manager, as `Restart = "always"`; it goes before what croft says. */
  readonly unit?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

export interface CronConfig {
  /** As OnCalendar of systemd.time(7), or five fields of crontab(5). */
  readonly schedule?: string
  readonly command?: string
  /** `once`: on one instance of the site; `each`: on all. */
  readonly on?: 'once' | 'each'
  readonly user?: string
  readonly timeoutSeconds?: number
}

export interface DataConfig {
  readonly path?: string
  readonly sizeBytes?: number
}

/** What one layer says. Whatever is absent is the business of the layers below. */
export interface AppConfig {
  readonly app?: {
    readonly name?: string
    readonly platform?: PlatformName
    /** Where the web server looks for files, in the checkout (static, php). */
    readonly root?: string
    /** The file that answers where there is none: an application of one page, a front controller. */
    readonly fallback?: string
  }
  readonly build?: {
    readonly base?: string
    readonly packages?: readonly string[]
    readonly commands?: readonly string[]
    /** What of the checkout goes into the release; absent: all of it. */
    readonly artifacts?: readonly string[]
    readonly env?: Readonly<Record<string, string>>
    readonly secrets?: readonly string[]
    readonly submodules?: boolean
    readonly memoryBytes?: number
    readonly cpus?: number
    readonly diskBytes?: number
    readonly timeoutSeconds?: number
  }
  readonly env?: Readonly<Record<string, string>>
  readonly daemon?: Readonly<Record<string, DaemonConfig>>
  readonly cron?: Readonly<Record<string, CronConfig>>
  readonly route?: {
    readonly domains?: readonly string[]
    readonly aliases?: readonly string[]
    /** Path → name of the daemon that answers there; `/` is the first daemon with a port. */
    readonly paths?: Readonly<Record<string, string>>
    /** Further settings of `croft route`, by their names there. */
    readonly settings?: Readonly<Record<string, string | number | boolean>>
  }
  readonly data?: Readonly<Record<string, DataConfig>>
  readonly instances?: { readonly count?: number; readonly size?: string }
  /** Runs once before traffic, in a new instance. */
  readonly before?: { readonly command?: string; readonly timeoutSeconds?: number }
}

export const layerNames = ['platform', 'app', 'stage', 'host', 'instance'] as const
export type LayerName = (typeof layerNames)[number]

/** All layers joined, and nothing left open. Where a daemon has no port it serves nobody. */
export interface ResolvedConfig {
  readonly app: {
    readonly name: string
    readonly platform: PlatformName
    readonly root?: string
    readonly fallback?: string
  }
  readonly build: Required<NonNullable<AppConfig['build']>>
  readonly env: Readonly<Record<string, string>>
  readonly daemon: Readonly<Record<string, ResolvedDaemon>>
  readonly cron: Readonly<Record<string, Required<CronConfig>>>
  readonly route: Required<NonNullable<AppConfig['route']>>
  readonly data: Readonly<Record<string, Required<DataConfig>>>
  readonly instances: { readonly count: number; readonly size: string | null }
  readonly before: { readonly command: string; readonly timeoutSeconds: number } | null
}
export interface ResolvedDaemon extends Omit<Required<DaemonConfig>, 'port' | 'memoryBytes' | 'health'> {
  readonly port: number | null
  readonly memoryBytes: number | null
  readonly health: Required<HealthCheck>
}

/** Who daemons run as, the same number in every instance, so that lasting data has one owner; and where the code lies. */
export const appUser = { name: 'app', id: 800 } as const
export const appFolder = '/srv/app'

/** Where a value comes from: `env.DB_URL` → the layer that said it, and who did when, where that is known. */
export interface Origin {
  readonly layer: LayerName
  readonly from: string
  readonly by?: string
  readonly at?: string
}

/** One file, or link, that is put on a guest's disk before its first start. Paths are absolute, in the guest. */
export type SeedFile =
  | { readonly path: string; readonly mode: number; readonly text: string }
  | { readonly path: string; readonly link: string }
  | { readonly path: string; readonly folder: true; readonly mode: number }

/** Where a repository is. No word before the host but `git@`: a password here would stand in history. */
export const GitUrl = z
  .string()
  .max(300)
  .regex(
    /^(?:https:\/\/|http:\/\/|git:\/\/|ssh:\/\/(?:[a-z0-9_][a-z0-9_.-]*@)?)[a-z0-9[][a-z0-9.:[\]-]*\/[\w.~/+-]+$|^[a-z0-9_][a-z0-9_.-]*@[a-z0-9][a-z0-9.-]*:[\w.~/+-]+$/i,
    'must be a repository like https://git.example.org/shop.git or git@git.example.org:shop.git, without a password',
  )
/** A branch, a tag or a commit. */
export const GitRef = z
  .string()
  .regex(/^[A-Za-z0-9_][\w./+-]{0,199}$/, 'must be a branch, a tag or a commit')
  .refine((ref) => !/\.\.|\/\/|\.lock$|\/$/.test(ref), 'must be a branch, a tag or a commit')

const NoGit = z.enum(['', 'none']).transform(() => null)
export const NewApp = z.strictObject({ name: AppName, git: GitUrl.optional(), ref: GitRef.optional() })
export type NewApp = z.input<typeof NewApp>
/** `git: "none"` forgets where it is. */
export const AppChange = z.strictObject({ git: z.union([NoGit, GitUrl]).optional(), ref: GitRef.optional() })
export type AppChange = z.input<typeof AppChange>

export interface App {
  readonly name: string
  readonly id: string
  readonly revision: number
  readonly created: string
  readonly by: string
  readonly git: { readonly url: string; readonly ref: string } | null
  readonly sites: readonly string[]
}
