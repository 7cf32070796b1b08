/** What a host needs beyond a fresh Debian (DESIGN §8). Raised, never lowered: somebody may have set more. */
export interface Setting {
  /** Below /proc/sys. */
  readonly path: string
  readonly wanted: number
  /** Absent: at least `wanted`. */
  readonly exact?: true
  readonly why: string
}

export const settings: readonly Setting[] = [
  {
    path: 'fs/inotify/max_user_instances',
    wanted: 8192,
    why: 'the default of 128 ends at about 18 guests with systemd',
  },
  { path: 'kernel/pid_max', wanted: 4_194_304, why: 'all guests share one table of processes' },
  { path: 'net/ipv4/neigh/default/gc_thresh2', wanted: 8192, why: 'one neighbour a guest' },
  { path: 'net/ipv4/neigh/default/gc_thresh3', wanted: 16_384, why: 'one neighbour a guest' },
  { path: 'net/ipv6/neigh/default/gc_thresh2', wanted: 8192, why: 'one neighbour a guest' },
  { path: 'net/ipv6/neigh/default/gc_thresh3', wanted: 16_384, why: 'one neighbour a guest' },
  { path: 'kernel/keys/maxkeys', wanted: 2000, why: 'each unprivileged user of a guest holds keys' },
  { path: 'kernel/dmesg_restrict', wanted: 1, exact: true, why: 'guests must not read the host’s kernel log' },
]

/** Set by the network driver when the firewall is up, not at boot; remembered here, to be given back with the rest. */
export const setByNetwork: readonly string[] = ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding']

/** The value that should stand where `found` stands now. */
export function valueFor({ wanted, exact }: Setting, found: number): number {
  return exact ? wanted : Math.max(wanted, found)
}

export const dotted = (path: string): string => path.replaceAll('/', '.')
