/** What preparing this host changed, so that undoing takes back that and nothing else. Written before the change is made. */
import { rm } from 'node:fs/promises'
import { CroftError } from '../../api/errors.ts'
import { readText, replaceFile } from './files.ts'

export interface Prepared {
  /** Kernel settings by path below /proc/sys: what stood there, what we put. */
  readonly settings: Readonly<Record<string, { readonly from: string; readonly to: string }>>
  /** Lines we added, by file. */
  readonly lines: Readonly<Record<string, string>>
}

export const nothingPrepared: Prepared = { settings: {}, lines: {} }

export async function readPrepared(path: string): Promise<Prepared> {
  const text = await readText(path)
  if (text === undefined) return nothingPrepared
  try {
    const { settings = {}, lines = {} } = JSON.parse(text) as Partial<Prepared>
    return { settings, lines }
  } catch (cause) {
    throw new CroftError('FAILED', `${path} is no record of what was prepared`, {
      hint: `look at it, then: rm ${path}`,
      cause,
    })
  }
}

export const writePrepared = (path: string, prepared: Prepared): Promise<void> =>
  replaceFile(path, `${JSON.stringify(prepared, null, 2)}\n`, 0o600)

export const forgetPrepared = (path: string): Promise<void> => rm(path, { force: true })
