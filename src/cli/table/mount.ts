import type { CommandRow } from '../command.ts'

export const mountCommands: readonly CommandRow[] = [
  {
    noun: 'mount',
    verb: 'add',
    args: ['GUEST', 'HOST_FOLDER:GUEST_FOLDER', '[ro]'],
    changes: true,
    flags: [],
    summary: 'bind a folder of the host into a guest, from its next start on',
    description:
      'For root on the host. Owners are the same on both sides. What the guest may write must lie where only root of the host gets in (chmod 700), ' +
      'for its root could leave programs there that run as the host’s. Clones, snapshots and templates hold nothing of it.',
    examples: ['croft mount add web /srv/photos:/mnt/photos', 'croft mount add web /srv/music:/mnt/music ro'],
    run: () => import('../commands/mount/add.ts'),
  },
  {
    noun: 'mount',
    verb: 'ls',
    args: ['[GUEST]'],
    flags: [],
    watch: true,
    summary: 'folders of the host in guests, of one guest or of all',
    examples: ['croft mount ls', 'croft mount ls web'],
    run: () => import('../commands/mount/ls.ts'),
  },
  {
    noun: 'mount',
    verb: 'rm',
    args: ['GUEST', 'GUEST_FOLDER'],
    changes: true,
    flags: [],
    summary: 'bind a folder of the host no more, from the guest’s next start on',
    examples: ['croft mount rm web /mnt/photos'],
    run: () => import('../commands/mount/rm.ts'),
  },
]
