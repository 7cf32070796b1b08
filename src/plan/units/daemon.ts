/** A daemon as a unit. */
import { appFolder, type ResolvedDaemon, type SeedFile } from '../../api/app.ts'
import { wordsOf } from '../config/command.ts'
import { credentialsFolder, environmentFile, type InstanceInput, opened, unitFolder } from './input.ts'
import { environmentText, literal, quoted, type Section, unitText } from './text.ts'

export const daemonUnit = (name: string): string => `app-${name}.service`

export function daemonFiles(name: string, input: InstanceInput): SeedFile[] {
  const daemon = input.config.daemon[name] as ResolvedDaemon
  const own = Object.keys(daemon.env).length > 0
  const unit = daemonUnit(name)
  return [
    ...(own
      ? [{ path: ownEnvironment(name), mode: 0o400, text: environmentText(opened(daemon.env, input.secrets)) }]
      : []),
    { path: `${unitFolder}/${unit}`, mode: 0o644, text: daemonText(name, daemon, input) },
    { path: `${unitFolder}/app.target.wants/${unit}`, link: `../${unit}` },
  ]
}
const ownEnvironment = (name: string): string => `/etc/croft/units/${name}.environment`

function daemonText(name: string, daemon: ResolvedDaemon, { site, secrets }: InstanceInput): string {
  const { command, user, folder, memoryBytes, env, unit } = daemon
  return unitText(
    {
      Unit: [
        ['Description', `${name} of ${site}`],
        ['PartOf', 'app.target'],
        ['After', 'network.target'],
        // What it needs may come back: it is never given up.
        ['StartLimitIntervalSec', '0'],
      ],
      Service: [
        ['Type', 'exec'],
        ['ExecStart', execLine(command, folder)],
        ['Restart', 'always'],
        ['RestartSec', '2'],
        ['TimeoutStopSec', '30'],
        ...surroundings({ user, folder, secrets }),
        ...(Object.keys(env).length > 0 ? [['EnvironmentFile', ownEnvironment(name)] as const] : []),
        ...(memoryBytes === null ? [] : [['MemoryMax', String(memoryBytes)] as const]),
        ...hardening,
      ],
      Install: [['WantedBy', 'app.target']],
    },
    unit,
  )
}

/** Where a command runs, as whom, and what it knows. */
export function surroundings({ user, folder, secrets }: { user: string; folder: string; secrets: object }): Section {
  return [
    ['User', user],
    ['WorkingDirectory', literal(folder)],
    ['EnvironmentFile', environmentFile],
    ...Object.keys(secrets).map((name) => ['LoadCredential', `${name}:${credentialsFolder}/${name}`] as const),
  ]
}

/** What needs nothing of the kernel that a guest without privileges does not have. */
export const hardening: Section = [
  ['NoNewPrivileges', 'yes'],
  ['PrivateTmp', 'yes'],
  ['UMask', '0027'],
]

/** A program named with a slash is one of the working folder, as a shell would have it. */
export function execLine(command: string, folder: string = appFolder): string {
  const [program = '', ...rest] = wordsOf(command)
  const path = program.includes('/') && !program.startsWith('/') ? `${folder}/${program.replace(/^\.\//, '')}` : program
  return [path, ...rest].map((word) => quoted(word, { expands: true })).join(' ')
}
