/** Where things lie on a pool, and what a ref may be made of. Checked here again, whoever checked before. */
import { join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import type { ManifestOf, PoolSpec, Ref } from './driver.ts'

const idPattern = /^[a-z0-9-]{8,40}$/

export const folders = { templates: 'templates', guests: 'guests', volumes: 'volumes', staging: 'staging' } as const
export const markerName = 'croft-pool.json'

export const isId = (text: string): boolean => idPattern.test(text)
export const isNumber = (number: number): boolean => Number.isInteger(number) && number >= 1 && number <= 65534

/** The ref's path below the pool; throws BAD_VALUE for anything that is not an id or number. */
export function refPath(ref: Ref): string {
  if (typeof ref.id !== 'string' || !isId(ref.id)) throw badValue('id', ref.id)
  switch (ref.kind) {
    case 'template':
      return join(folders.templates, ref.id)
    case 'volume':
      return join(folders.volumes, ref.id)
    case 'staging':
      return join(folders.staging, ref.id)
    case 'root':
      return join(guestPath(ref.number), 'roots', ref.id)
    case 'snapshot':
      return join(guestPath(ref.number), 'snapshots', ref.id)
    default:
      throw badValue('kind', (ref as { kind?: unknown }).kind)
  }
}

export function guestPath(number: number): string {
  if (!isNumber(number)) throw badValue('guest number', number)
  return join(folders.guests, String(number))
}

export function manifestPath(of: ManifestOf): string {
  if ('guest' in of) return join(guestPath(of.guest), 'guest.json')
  if ('volume' in of) return `${refPath({ kind: 'volume', id: of.volume })}.json`
  return `${refPath({ kind: 'template', id: of.template })}.json`
}

/** Paths of a spec become words of mount, mkfs and losetup. */
export function checkSpec(spec: PoolSpec): void {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(spec.name)) throw badValue('pool name', spec.name)
  if (!['file', 'directory', 'device'].includes(spec.kind)) throw badValue('pool kind', spec.kind)
  for (const path of [spec.source, spec.mountPoint]) if (!isPlainPath(path)) throw badValue('path', path)
  if (spec.kind === 'directory' && spec.source !== spec.mountPoint) {
    throw new CroftError('BAD_VALUE', 'a directory pool is mounted where it is: source and mountPoint must be equal')
  }
  const size = spec.sizeBytes
  if (size !== undefined && !(Number.isSafeInteger(size) && size > 0)) throw badValue('pool size', size)
}

function isPlainPath(path: string): boolean {
  return /^(\/[^/\p{C}\p{Zl}\p{Zp},]+)+$/u.test(path) && !path.split('/').some((part) => part === '.' || part === '..')
}

function badValue(what: string, value: unknown): CroftError {
  return new CroftError('BAD_VALUE', `${JSON.stringify(String(value).slice(0, 60))} is no ${what}`)
}
