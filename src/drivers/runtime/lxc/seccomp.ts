/**
 * The system calls no guest may make. The first six are LXC's own list; keyctl and friends leak across guests' keyrings,
 * syslog reads the host's kernel log where dmesg_restrict is off; bpf, userfaultfd, perf_event_open and io_uring are where
 * kernels get broken, and io_uring's work passes this filter by. The ioctls make and snapshot btrfs subvolumes and change
 * their flags: a guest that can do so leaves its quota and its snapshots, or makes its own root read-only and its backups
 * wrong. The ioctl number is compared under a mask, because the kernel ignores the upper 32 bits that a guest may set.
 */
const denied: readonly (readonly [string, number])[] = [
  ['kexec_load', 1],
  ['kexec_file_load', 1],
  ['open_by_handle_at', 1],
  ['init_module', 1],
  ['finit_module', 1],
  ['delete_module', 1],
  ['bpf', 1],
  ['keyctl', 38],
  ['add_key', 38],
  ['request_key', 38],
  ['userfaultfd', 1],
  ['perf_event_open', 1],
  ['syslog', 1],
  ['io_uring_setup', 38],
  ['io_uring_enter', 38],
  ['io_uring_register', 38],
]

const deniedIoctls = {
  BTRFS_IOC_SNAP_CREATE: 0x50009401,
  BTRFS_IOC_SUBVOL_CREATE: 0x5000940e,
  BTRFS_IOC_SNAP_CREATE_V2: 0x50009417,
  BTRFS_IOC_SUBVOL_CREATE_V2: 0x50009418,
  BTRFS_IOC_SUBVOL_SETFLAGS: 0x4008941a,
  // Who says that a disk came from another pool says which one differences are laid on. The kernel takes both from every process.
  BTRFS_IOC_SET_RECEIVED_SUBVOL: 0xc0c89425,
  BTRFS_IOC_SET_RECEIVED_SUBVOL_32: 0xc0c09425,
}

export function seccompProfile(): string {
  const calls = denied.map(([name, errno]) => `${name} errno ${errno}`)
  const ioctls = Object.values(deniedIoctls).map(
    (number) => `ioctl errno 1 [1,0x${number.toString(16)},SCMP_CMP_MASKED_EQ,0xffffffff]`,
  )
  return ['2', 'denylist', 'reject_force_umount', '[all]', ...calls, ...ioctls, ''].join('\n')
}
