/**
 * One AppArmor profile for all guests, loaded once. LXC's own `generated` is compiled anew for each start, which takes longer
 * than the start, and forbids the mounts by which systemd shuts its services in. What keeps a guest in is its user
 * namespace; this is a second wall before what is global in /proc and /sys.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'

/** Debian lets lxc-start, which has a profile itself, go over to names that begin with lxc- alone. */
export const guestProfile = 'lxc-croft-guest'

const policy = '/sys/kernel/security/apparmor/policy'

export const hasAppArmor = (): boolean => existsSync(policy)

const profileText = `profile ${guestProfile} flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  unix,
  mount,
  umount,
  pivot_root,
  signal (send) peer=${guestProfile},
  signal (receive),
  ptrace (read, trace) peer=${guestProfile},
  ptrace (readby, tracedby),
  deny mount fstype=(debugfs, tracefs, securityfs, configfs, pstore, efivarfs),
  deny /proc/{sysrq-trigger,kcore,kmem,mem,kallsyms,acpi/**} rwklx,
  deny /proc/sys/kernel/{core_pattern,modprobe,hotplug} w,
  deny /sys/{firmware,fs/pstore,kernel/security,kernel/debug,kernel/tracing}/** rwklx,
  deny /sys/kernel/uevent_helper w,
}
`

/** Loads it when this daemon has not done so yet, or somebody unloaded it. */
export function createProfileLoader(run: Runner): () => Promise<void> {
  let loaded = false
  let loading: Promise<void> | undefined
  return async () => {
    if (!hasAppArmor() || (loaded && isLoaded())) return
    loading ??= load(run).finally(() => {
      loading = undefined
    })
    await loading
    loaded = true
  }
}

const isLoaded = (): boolean =>
  readdirSync(join(policy, 'profiles')).some((name) => name.startsWith(`${guestProfile}.`))

async function load(run: Runner): Promise<void> {
  const command = { file: 'apparmor_parser', args: ['--replace'], stdin: profileText, timeoutMs: 60_000 }
  try {
    await run.run(command)
  } catch (cause) {
    throw new CroftError('START_FAILED', `AppArmor does not take the guests' profile: ${(cause as Error).message}`, {
      hint: 'apt-get install apparmor',
      cause,
    })
  }
}
