/** What a base made of packages does by itself: nothing. Pure. */

/** Packages of a bare system, whose services are its own. */
const system = [
  'systemd',
  'systemd-timesyncd',
  'systemd-resolved',
  'udev',
  'dbus',
  'cron',
  'e2fsprogs',
  'openssh-server',
]

/**
 * The last step of making it: what the packages of `kept` start stays, what all others would start does not. Else a package's own server
 * takes the port of the application's, and answers for it.
 */
export const quietScript = (kept: readonly string[]): string => `#!/bin/sh -e
for link in /etc/systemd/system/*.wants/*.service /etc/systemd/system/*.wants/*.socket /etc/systemd/system/*.wants/*.path; do
  [ -L "$link" ] || continue
  unit=$(readlink "$link")
  package=$(dpkg -S "*/systemd/system/\${unit##*/}" 2>/dev/null | head -n 1 | cut -d : -f 1)
  case " ${[...system, ...kept].join(' ')} " in *" $package "*) continue ;; esac
  [ -z "$package" ] || rm "$link"
done
`
