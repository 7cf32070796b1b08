/**
 * The guest's first steps: a read-only folder at /dev/.croft and a script that LXC runs as the guest's root, in the
 * guest's namespaces, before its init. Whatever a guest makes of its own paths, only the guest is harmed.
 */
import type { Definition } from '../driver.ts'
import { commandFiles } from './command.ts'
import { mountFailedExit, mountList } from './mounts.ts'

/** `id` decides what is done once: a clone has another id than its source and so gets secrets of its own. */
export function firstFiles(guest: Definition): Record<string, { readonly text: string; readonly mode: number }> {
  return {
    first: { text: script, mode: 0o755 },
    id: { text: `${guest.id}\n`, mode: 0o644 },
    hostname: { text: `${guest.hostName}\n`, mode: 0o644 },
    hosts: { text: guest.files.hosts, mode: 0o644 },
    resolv: { text: guest.files.resolv, mode: 0o644 },
    keys: { text: guest.files.keys, mode: 0o644 },
    mounts: { text: mountList(guest), mode: 0o644 },
    ...(guest.command ? commandFiles(guest.command) : {}),
  }
}

/** `true >`, never `: >`: a special builtin whose redirection fails ends the whole script. */
const script = `#!/bin/sh
# croft: what each start sets, and what only a new identity sets.
exec </dev/null >/dev/null 2>&1
from=/dev/.croft
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022
put() {
  [ -L "$2" ] && rm -f "$2"
  while IFS= read -r line; do printf '%s\\n' "$line"; done <"$from/$1" >"$2"
}
ours() {
  [ -e "$1" ] || return 0
  read -r line <"$1"
  [ "$line" = "# written by croft" ]
}
read -r id <"$from/id"
read -r name <"$from/hostname"
read -r known </etc/croft-id
if [ "$id" != "$known" ]; then
  rm -f /etc/hosts /etc/resolv.conf /etc/hostname /etc/machine-id /var/lib/dbus/machine-id /etc/ssh/ssh_host_*
  true >/etc/machine-id
  put id /etc/croft-id
fi
read -r old </etc/hostname
[ "$old" = "$name" ] || put hostname /etc/hostname
ours /etc/hosts && put hosts /etc/hosts
ours /etc/resolv.conf && put resolv /etc/resolv.conf
if [ -d /etc/ssh ] && [ ! -e /etc/ssh/ssh_host_ed25519_key ]; then
  ssh-keygen -q -t ed25519 -N "" -C "root@$name" -f /etc/ssh/ssh_host_ed25519_key
fi
if [ -s "$from/keys" ]; then
  umask 077
  mkdir -p /root/.ssh
  old=/root/.ssh/authorized_keys
  { [ -f "$old" ] && sed '/^# croft keys$/,/^# end of croft keys$/d' "$old"; cat "$from/keys"; } >"$old.croft" && mv -f "$old.croft" "$old"
elif [ -f /root/.ssh/authorized_keys ]; then
  sed -i '/^# croft keys$/,/^# end of croft keys$/d' /root/.ssh/authorized_keys
fi
umask 022
while read -r index target; do
  "$from/busybox" mkdir -p "$target" && "$from/busybox" mount -o bind "/dev/.croft-mounts/$index" "$target" || exit ${mountFailedExit}
  "$from/busybox" umount "/dev/.croft-mounts/$index"
done <"$from/mounts"
exit 0
`
