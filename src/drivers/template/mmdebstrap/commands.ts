/** The words of a build. Every value was checked by `checkSource`; paths are ours. */
import { CroftError } from '../../../api/errors.ts'
import type { Command } from '../../exec/command.ts'
import type { TemplateSource } from '../driver.ts'
import type { Distribution } from './distributions.ts'

const buildMs = 45 * 60_000
const unpackMs = 15 * 60_000

/** Enough for systemd, ssh, `apt-get install` and a pleasant shell; everything else is one `packages` away. */
export const basePackages: readonly string[] = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'iproute2',
  'iputils-ping',
  'netbase',
  'openssh-server',
  'ca-certificates',
  'curl',
  'procps',
  'less',
  'nano',
  'tzdata',
]

/** What a script's root may do inside its own namespaces. Neither chroot nor mount nor ptrace: it stays in its root. */
const scriptCapabilities =
  'chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,setfcap,net_bind_service,audit_write'
/** What unpacking needs. No mknod: a template has no devices. */
const unpackCapabilities = 'chown,dac_override,fowner,fsetid,setfcap'
const only = (capabilities: string): string => `-all,${capabilities.replace(/(^|,)/g, '$1+')}`

const scriptInside = '/.croft-build'
/** The hooks are words of ours, without any value in them. Descriptors 3 to 9 would lead to mmdebstrap outside. */
const runScript = [
  'exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8',
  'DEBIAN_FRONTEND=noninteractive',
  `setpriv --bounding-set=${only(scriptCapabilities)} --inh-caps=-all ${scriptInside}`,
  '</dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-',
].join(' ')

export interface BuildPlan {
  readonly distribution: Distribution
  readonly source: TemplateSource
  readonly uidBase: number
  /** A folder of the build's own root; the archive is written there. */
  readonly work: string
  /** The script's file on the host, when there is a script. */
  readonly scriptFile?: string
}

export const archiveOf = (work: string): string => `${work}/root.tar`

/** mmdebstrap as root of namespaces of its own: on the host it is the nobody `uidBase`. */
export function buildArchive(plan: BuildPlan): Command {
  const { uidBase, work } = plan
  return {
    file: 'unshare',
    args: [
      ...['--user', `--map-users=${uidBase},0,65536`, `--map-groups=${uidBase},0,65536`, '--setuid=0', '--setgid=0'],
      ...['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=SIGKILL', '--mount-proc', '--'],
      'mmdebstrap',
      ...mmdebstrapArgs(plan),
    ],
    timeoutMs: buildMs,
    env: { TMPDIR: work, HOME: work, DEBIAN_FRONTEND: 'noninteractive' },
  }
}

export function mmdebstrapArgs({ distribution, source, work, scriptFile }: BuildPlan): string[] {
  const hooks =
    scriptFile === undefined
      ? []
      : [
          `--customize-hook=upload ${scriptFile} ${scriptInside}`,
          `--chrooted-customize-hook=chmod 0700 ${scriptInside}`,
          `--chrooted-customize-hook=${runScript}`,
          `--chrooted-customize-hook=rm -f ${scriptInside}`,
        ]
  return [
    // "unshare" told to root: no further user namespace, but hooks are pivoted into the new root.
    '--mode=unshare',
    '--variant=minbase',
    '--format=tar',
    '--skip=output/dev',
    `--components=${distribution.components.replace(' ', ',')}`,
    `--include=${[...new Set([...basePackages, ...source.packages])].join(',')}`,
    ...(distribution.name === 'debian' ? [] : [`--keyring=${distribution.keyring.path}`]),
    ...hooks,
    distribution.suite,
    archiveOf(work),
    ...sources(distribution, source.mirror),
  ]
}

function sources({ name, suite, mirror, components }: Distribution, wanted: string | undefined): string[] {
  const url = wanted ?? mirror
  if (url === null) return []
  // The pockets of a mirror: Debian's security lies elsewhere and is left to the default; Ubuntu's lies beside.
  const pockets = name === 'ubuntu' ? [suite, `${suite}-updates`, `${suite}-security`] : [suite, `${suite}-updates`]
  return pockets.map((pocket) => `deb ${url} ${pocket} ${components}`)
}

/** Unpacked with the ids as they are, by a root that may do nothing but set owners and modes, without network. */
export const unpackArchive = (archive: string, targetDir: string): Command => ({
  file: 'unshare',
  args: [
    ...['--mount', '--net', '--pid', '--ipc', '--fork', '--kill-child=SIGKILL', '--'],
    ...['setpriv', `--bounding-set=${only(unpackCapabilities)}`, '--inh-caps=-all', '--no-new-privs', '--'],
    ...['tar', '--extract', `--file=${archive}`, `--directory=${targetDir}`, '--numeric-owner', '--same-owner'],
    ...['--preserve-permissions', '--xattrs', '--xattrs-include=security.capability', '--exclude=./dev/*'],
  ],
  timeoutMs: unpackMs,
})

/** What the API checked is checked here again: these become words of other programs. */
export function checkSource(source: TemplateSource): void {
  for (const name of source.packages) {
    if (!/^[a-z0-9][a-z0-9+.-]{0,80}$/.test(name)) throw bad('the name of a package', name)
  }
  const { mirror } = source
  if (mirror !== undefined && !/^https?:\/\/[A-Za-z0-9.:-]+(\/[A-Za-z0-9._~%+/-]*)?$/.test(mirror)) {
    throw bad('a mirror like http://deb.debian.org/debian', mirror)
  }
  if (source.script?.includes('\0')) throw bad('a script', 'what holds a zero byte')
}

const bad = (what: string, value: string): CroftError =>
  new CroftError('BAD_VALUE', `${JSON.stringify(value.slice(0, 60))} is not ${what}`)
