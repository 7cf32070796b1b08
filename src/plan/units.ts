/**
 * What an instance is given before its first start: units of its service manager, its environment, its secrets. Everything that a user wrote is quoted
 * for the file it goes into; nothing of it can end its line.
 */
import { appFolder, appUser, type ResolvedConfig, type SeedFile } from '../api/app.ts'
import { CroftError } from '../api/errors.ts'
import { missingSecret } from './config/interpolate.ts'
import { secretsOf } from './config/resolve.ts'
import { VariableName } from './config/values.ts'
import { platforms } from './platforms/table.ts'
import { beforeFiles } from './units/before.ts'
import { cronFiles, jobsFiles } from './units/cron.ts'
import { daemonFiles } from './units/daemon.ts'
import { credentialsFolder, environmentFile, type InstanceInput, opened, unitFolder } from './units/input.ts'
import { environmentText } from './units/text.ts'

export type { InstanceInput } from './units/input.ts'

/** A release changes by a build alone. */
const masks = ['apt-daily.timer', 'apt-daily-upgrade.timer']

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
    { path: `${unitFolder}/sysinit.target.wants`, folder: true, mode: 0o755 },
    { path: `${unitFolder}/multi-user.target.wants`, folder: true, mode: 0o755 },
    { path: `${unitFolder}/app.target.wants`, folder: true, mode: 0o755 },
    { path: `${unitFolder}/croft-user.service`, mode: 0o644, text: userUnit(config) },
    { path: `${unitFolder}/sysinit.target.wants/croft-user.service`, link: '../croft-user.service' },
    { path: `${unitFolder}/app.target`, mode: 0o644, text: target(input) },
    { path: `${unitFolder}/multi-user.target.wants/app.target`, link: '../app.target' },
    ...[...masks, ...(platform.masks ?? [])].map(
      (unit): SeedFile => ({ path: `${unitFolder}/${unit}`, link: '/dev/null' }),
    ),
    ...(platform.files?.(config) ?? []),
    ...Object.keys(config.daemon).flatMap((name) => daemonFiles(name, input)),
    ...beforeFiles(input),
    ...jobsFiles(input),
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
function credentials(secrets: Readonly<Record<string, string>>): SeedFile[] {
  for (const name of Object.keys(secrets))
    if (!VariableName.safeParse(name).success) throw new CroftError('BAD_VALUE', `"${name}" is no name of a secret`)
  const files = Object.entries(secrets).map(
    ([name, text]): SeedFile => ({ path: `${credentialsFolder}/${name}`, mode: 0o400, text }),
  )
  return [{ path: credentialsFolder, folder: true, mode: 0o700 }, ...files]
}

/** Only where no such user is there yet: builds make it too. */
const sysusers = `u ${appUser.name} ${appUser.id} "Application" ${appFolder} /usr/sbin/nologin\n`

/** Before anything runs: the user, and that lasting data and the code are his to write. */
const userUnit = ({ data }: ResolvedConfig): string => `[Unit]
Description=User of the application
DefaultDependencies=no
After=systemd-remount-fs.service
Before=sysinit.target systemd-tmpfiles-setup.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=systemd-sysusers /etc/sysusers.d/croft.conf
ExecStart=install -d -m 0755 -o ${appUser.name} -g ${appUser.name} ${[appFolder, ...Object.values(data).map(({ path }) => path)].join(' ')}

[Install]
WantedBy=sysinit.target
`

const target = ({ site }: InstanceInput): string => `[Unit]
Description=Application of ${site}

[Install]
WantedBy=multi-user.target
`
