/**
 * Folders of the host in a guest, in three steps that no path of the guest takes part in:
 *   1. in a mount namespace of the monitor's own, a folder of the host is bound on one of croft's: what is read-only there the
 *      kernel locks for all user namespaces below. The host itself never sees it, and it is gone with the monitor.
 *   2. LXC binds that one, idmapped, into its own fresh tmpfs: dev/.croft-mounts/N.
 *   3. the start hook binds from there to the wished path, as the guest's root in the guest's own namespaces.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Mount } from '../../../api/mount.ts'
import type { Command } from '../../exec/command.ts'
import type { Definition } from '../driver.ts'
import type { Layout } from './layout.ts'

/** A parent before what lies in it. */
export const mountsOf = ({ mounts = [], volumes = [] }: Pick<Definition, 'mounts' | 'volumes'>): readonly Bind[] =>
  [...mounts, ...volumes.map((volume): Bind => ({ ...volume, readOnly: false, own: true }))].sort((a, b) =>
    a.target < b.target ? -1 : 1,
  )

/** `own`: of croft's, which need no look at who else could have it. */
export interface Bind extends Mount {
  readonly own?: true
}

/** Step 2, for LXC's configuration. */
export const mountEntries = (definition: Definition, { binds }: Layout): string[] =>
  mountsOf(definition).map(
    (_, index) => `${join(binds, String(index))} dev/.croft-mounts/${index} none bind,idmap=container,create=dir 0 0`,
  )

/** Step 3, for the start hook: `INDEX PATH` lines. */
export const mountList = (definition: Definition): string =>
  mountsOf(definition)
    .map(({ target }, index) => `${index} ${target}\n`)
    .join('')

export const mountFailedExit = 41

export const whyNotMounted = (mounts: readonly Mount[], log = ''): string | undefined =>
  mounts.length > 0 && log.includes(`status ${mountFailedExit}`)
    ? `in the guest one of these is no folder: ${mounts.map(({ target }) => target).join(' ')}`
    : undefined

interface Written {
  readonly mounts: readonly Bind[]
}

/** What `start` reads again: a definition without mounts leaves nothing. */
export function writeMounts(definition: Definition, { binds, mounts: file, fstab }: Layout): void {
  const mounts = mountsOf(definition)
  for (const path of [file, fstab]) rmSync(path, { force: true })
  if (mounts.length === 0) return
  if (!/^[\w./-]+$/.test(binds))
    throw new CroftError('BAD_VALUE', `${binds} holds letters that fstab(5) would not take`)
  // The guest's root passes there at its start, by way of LXC.
  for (const index of mounts.keys()) mkdirSync(join(binds, String(index)), { recursive: true, mode: 0o711 })
  writeFileSync(fstab, fstabOf(mounts, binds), { mode: 0o600 })
  writeFileSync(file, JSON.stringify({ mounts } satisfies Written), { mode: 0o600 })
}

export const readMounts = ({ mounts }: Layout): readonly Bind[] =>
  existsSync(mounts) ? (JSON.parse(readFileSync(mounts, 'utf8')) as Written).mounts : []

/** Step 1, as fstab(5). `private`: what the host mounts in there later stays the host's. */
export function fstabOf(mounts: readonly Mount[], binds: string): string {
  const line = ({ source, readOnly }: Mount, index: number) =>
    `${escaped(source)} ${join(binds, String(index))} none bind,${readOnly ? 'ro' : 'rw'},nosuid,nodev,private 0 0\n`
  return mounts.map(line).join('')
}

const escaped = (path: string): string =>
  path.replace(/[\s\\#]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`)

/** Does step 1 in a namespace of its own, and becomes the command there. */
export function withMounts(command: Command, { fstab }: Layout): Command {
  const program = 'system("/bin/mount", "--all", "--fstab", shift) == 0 or exit 41; exec @ARGV or exit 127'
  return {
    ...command,
    file: '/usr/bin/unshare',
    args: [
      ...['--mount', '--propagation', 'slave', '--', '/usr/bin/perl', '-e', program, '--'],
      ...[fstab, command.file, ...command.args],
    ],
  }
}
