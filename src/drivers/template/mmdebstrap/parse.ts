/** What mmdebstrap, apt and unshare say when a build fails. */
import { CroftError } from '../../../api/errors.ts'

const hints: readonly (readonly [RegExp, string])[] = [
  [/Unable to locate package (\S+)/, 'no such package in this distribution: look on packages.debian.org'],
  [/has no installation candidate/, 'no such package in this distribution: look on packages.debian.org'],
  [
    /Temporary failure resolving|Could not connect|Could not resolve|Connection timed out/,
    'is the mirror reachable from this host? choose another with mirror=URL',
  ],
  [/newuidmap|newgidmap/, 'croft doctor: root needs its lines in /etc/subuid and /etc/subgid'],
  [/No space left on device/, 'the disk below the work folder is full: df -h /var/tmp'],
  [/chrooted hook failed/, 'the script failed: see its last lines'],
  [/NO_PUBKEY|not signed|keyring/, 'is the keyring package of the distribution installed and recent?'],
]

/** What mmdebstrap says of its own progress and of cleaning up after a failure. */
const noise =
  /^(I:|dpkg: warning|Get:\d|Hit:\d|umount: |W: (umount|cannot|unlink|Download is performed)|E: setup failed: E: c|E: mmdebstrap failed)/

/** The last lines of a build, apt's noise left out. */
export function buildFailed(from: string, lines: readonly string[]): CroftError {
  const said = lines.filter((line) => line.trim() !== '' && !noise.test(line))
  const text = lines.join('\n')
  const hint = hints.find(([pattern]) => pattern.test(text))?.[1]
  return new CroftError('BUILD_FAILED', [`${from} could not be built`, ...said.slice(-8)].join('\n'), { hint })
}
