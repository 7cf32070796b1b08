/**
 * What an instance is given before its first start: units of its service manager, its environment, its secrets. Everything that a user wrote is quoted
 * for the file it goes into; nothing of it can end its line.
 */
import { appFolder, appUser, type ResolvedConfig, type SeedFile } from '../api/app.ts'
import { missingSecret, withSecrets } from './config/interpolate.ts'
import { secretsOf } from './config/resolve.ts'
import { platforms } from './platforms/table.ts'
import { cronFiles } from './units/cron.ts'
import { daemonFiles } from './units/daemon.ts'
import { environmentText } from './units/text.ts'

export interface InstanceInput {
  readonly config: ResolvedConfig
  /** `shop/prod` */
  readonly site: string
  readonly slot: number
  /** `shop/prod/4` */
  readonly name: string
  /** `shop:v1.2` */
  readonly release: string
  readonly farm: string
  /** All of the site, opened. */
  readonly secrets: Readonly<Record<string, string>>
}

export const environmentFile = '/etc/croft/environment'
export const credentialsFolder = '/etc/croft/credentials'
export const unitFolder = '/etc/systemd/system'

/** Folders before what lies in them. */
export function instanceFiles(input: InstanceInput): readonly SeedFile[] {
  const { config, secrets } = input
  for (const name of secretsOf(config)) if (!Object.hasOwn(secrets, name)) throw missingSecret(name)
  const platform = platforms[config.app.platform]
  return [
    { path: '/etc/croft', folder: true, mode: 0o755 },
    { path: '/etc/croft/units', folder: true, mode: 0o700 },
    { path: environmentFile, mode: 0o400, text: environmentText(environmentOf(input)) },
    ...credentials(secrets),
    { path: '/etc/sysusers.d', folder: true, mode: 0o755 },
    { path: '/etc/sysusers.d/croft.conf', mode: 0o644, text: sysusers },
    { path: '/etc/tmpfiles.d', folder: true, mode: 0o755 },
    { path: '/etc/tmpfiles.d/croft.conf', mode: 0o644, text: tmpfiles(config) },
    { path: `${unitFolder}/sysinit.target.wants`, folder: true, mode: 0o755 },
    { path: `${unitFolder}/multi-user.target.wants`, folder: true, mode: 0o755 },
    { path: `${unitFolder}/app.target.wants`, folder: true, mode: 0o755 },
    { path: `${unitFolder}/croft-user.service`, mode: 0o644, text: userUnit },
    { path: `${unitFolder}/sysinit.target.wants/croft-user.service`, link: '../croft-user.service' },
    { path: `${unitFolder}/app.target`, mode: 0o644, text: target(input) },
    { path: `${unitFolder}/multi-user.target.wants/app.target`, link: '../app.target' },
    ...(platform.masks ?? []).map((unit): SeedFile => ({ path: `${unitFolder}/${unit}`, link: '/dev/null' })),
    ...(platform.files?.(config) ?? []),
    ...Object.keys(config.daemon).flatMap((name) => daemonFiles(name, input)),
    ...Object.keys(config.cron).flatMap((name) => cronFiles(name, input)),
  ]
}

/** The instance's own facts, then what the configuration says. */
export function environmentOf({
  config,
  site,
  slot,
  name,
  release,
  farm,
  secrets,
}: InstanceInput): Record<string, string> {
  const facts = {
    CROFT_SITE: site,
    CROFT_INSTANCE: name,
    CROFT_SLOT: String(slot),
    CROFT_RELEASE: release,
    CROFT_FARM: farm,
  }
  return opened({ ...facts, ...config.env }, secrets)
}
export const opened = (env: Readonly<Record<string, string>>, secrets: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, withSecrets(value, secrets)]))

function credentials(secrets: Readonly<Record<string, string>>): SeedFile[] {
  const files = Object.entries(secrets).map(
    ([name, text]): SeedFile => ({ path: `${credentialsFolder}/${name}`, mode: 0o400, text }),
  )
  return [{ path: credentialsFolder, folder: true, mode: 0o700 }, ...files]
}

/** Only where no such user is there yet: builds make it too. */
const sysusers = `u ${appUser.name} ${appUser.id} "Application" ${appFolder} /usr/sbin/nologin\n`

/** Lasting data is bound in as it was made; the application must be able to write there. */
function tmpfiles({ data }: ResolvedConfig): string {
  const lines = Object.values(data).map(({ path }) => `d "${path}" 0750 ${appUser.name} ${appUser.name} -`)
  return [`d ${appFolder} 0755 ${appUser.name} ${appUser.name} -`, ...lines, ''].join('\n')
}

const userUnit = `[Unit]
Description=User of the application
DefaultDependencies=no
After=systemd-remount-fs.service
Before=sysinit.target systemd-tmpfiles-setup.service shutdown.target
Conflicts=shutdown.target
ConditionPathExists=/usr/bin/systemd-sysusers

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/systemd-sysusers /etc/sysusers.d/croft.conf

[Install]
WantedBy=sysinit.target
`

const target = ({ site }: InstanceInput): string => `[Unit]
Description=Application of ${site}
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target
`
