/**
 * What preparing this host changed, so that undoing takes back that and nothing else. Written before the change is made. Plain
 * lines, because a package that is purged has no croft any more to read them (script/debian/postrm):
 *
 *     setting kernel/pid_max 32768 4194304
 *     line /etc/subuid root:1879048192:268435456
 */
import { rm } from 'node:fs/promises'
import { CroftError } from '../../api/errors.ts'
import { readText, replaceFile } from './files.ts'

export interface Prepared {
  /** Kernel settings by path below /proc/sys: what stood there, what we put. */
  readonly settings: Readonly<Record<string, { readonly from: string; readonly to: string }>>
  /** Lines we added, by file. */
  readonly lines: Readonly<Record<string, string>>
}

export async function readPrepared(path: string): Promise<Prepared> {
  const settings: Record<string, { from: string; to: string }> = {}
  const lines: Record<string, string> = {}
  for (const text of ((await readText(path)) ?? '').split('\n').filter((line) => line !== '')) {
    const [kind, what, from, to] = text.split(' ')
    if (kind === 'setting' && what && from && to) settings[what] = { from, to }
    else if (kind === 'line' && what && from) lines[what] = from
    else
      throw new CroftError('FAILED', `${path} is no record of what was prepared`, {
        hint: `look at it, then: rm ${path}`,
      })
  }
  return { settings, lines }
}

export function writePrepared(path: string, { settings, lines }: Prepared): Promise<void> {
  const text = [
    ...Object.entries(settings).map(([what, { from, to }]) => `setting ${what} ${from} ${to}\n`),
    ...Object.entries(lines).map(([file, line]) => `line ${file} ${line}\n`),
  ]
  return replaceFile(path, text.join(''), 0o600)
}

export const forgetPrepared = (path: string): Promise<void> => rm(path, { force: true })
