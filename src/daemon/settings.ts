/** Where a daemon keeps its things. Several daemons on one machine differ in the state directory, and so in everything. */
import { createHash } from 'node:crypto'
import os from 'node:os'
import { join } from 'node:path'

export interface Settings {
  readonly stateDir: string
  readonly socket: string
  readonly storeFile: string
  readonly lxcPath: string
  readonly cgroup: string
  readonly hostName: string
  /** Executables in it are told what happens. */
  readonly hooksDir: string
  /** `shop.toml` in it is what this host says of the application: root's alone. */
  readonly sitesDir: string
  /** Executable that sets DNS records, for wildcard certificates. */
  readonly dnsHook: string
  /** Where lxcfs is mounted, when it runs; undefined: it is not used. */
  readonly lxcfs?: string
  /** What stands in for tagged links where the kernel has none: to try, not to run. */
  readonly vlanKind?: 'macvlan'
}

export const defaultStateDir = '/var/lib/croft'

export function settingsFrom(environment: NodeJS.ProcessEnv): Settings {
  const stateDir = environment.CROFT_STATE || defaultStateDir
  const tag = stateDir === defaultStateDir ? '' : `-${tagOf(stateDir)}`
  const ownHooks = stateDir === defaultStateDir ? '/etc/croft/hooks' : join(stateDir, 'hooks')
  return {
    stateDir,
    hooksDir: environment.CROFT_HOOKS || ownHooks,
    sitesDir: join(stateDir === defaultStateDir ? '/etc/croft' : stateDir, 'sites'),
    dnsHook: join(stateDir === defaultStateDir ? '/etc/croft' : stateDir, 'acme-dns01'),
    socket: environment.CROFT_SOCKET || '/run/croft/croft.sock',
    storeFile: join(stateDir, 'store', 'croft.db'),
    lxcPath: join(stateDir, 'lxc'),
    cgroup: `croft${tag}`,
    ...lxcfsFrom(environment),
    ...(environment.CROFT_VLAN_LINK === 'macvlan' ? { vlanKind: 'macvlan' } : {}),
    hostName:
      (environment.CROFT_HOST || os.hostname())
        .split('.')[0]
        ?.toLowerCase()
        .replace(/[^a-z0-9-]/g, '-') || 'host',
  }
}

/** What only who tries croft out sets: a daemon that runs so says it. */
export const trialsIn = (environment: NodeJS.ProcessEnv): string[] =>
  ['CROFT_PRETEND', 'CROFT_VLAN_LINK'].filter((name) => environment[name])

/** Eight letters that no other state directory has. */
export const tagOf = (stateDir: string): string => createHash('sha256').update(stateDir).digest('hex').slice(0, 8)

/** The plan this host was last given: what it works by while the store is away. */
export const keptFileOf = ({ stateDir }: Pick<Settings, 'stateDir'>): string => join(stateDir, 'kept-plan.json')

/** What the name servers read. */
export const namesFolderOf = ({ stateDir }: Pick<Settings, 'stateDir'>): string => join(stateDir, 'names')

/** An empty CROFT_LXCFS leaves it aside. */
function lxcfsFrom({ CROFT_LXCFS: lxcfs = '/var/lib/lxcfs' }: NodeJS.ProcessEnv): Pick<Settings, 'lxcfs'> {
  return /^\/[\w./-]+$/.test(lxcfs) ? { lxcfs } : {}
}
