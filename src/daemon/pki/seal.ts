/**
 * What the store may hold of a secret: sealed with a key that is kept apart from it. Whoever has the store, or a copy of it,
 * has no private key. A sealed text is bound to the name of its record, and tells which key opens it.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import { replaceFile } from '../replace-file.ts'

export interface Seal {
  /** Eight hexadecimal digits that tell keys apart. */
  readonly id: string
  seal(name: string, secret: string): string
  /** Throws DATA_LOST when it was sealed with another key, for another name, or is not whole. */
  open(name: string, sealed: string): string
}

const keyBytes = 32
const version = 'croft1'
const fileOf = (folder: string): string => join(folder, 'seal.key')

/** The farm's, made once. One that cannot be read is a loss, never made anew in silence. */
export async function openSeal(folder: string): Promise<Seal> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = fileOf(folder)
  const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  if (text !== undefined) return sealWith(keyFrom(text, file))
  const key = randomBytes(keyBytes)
  await replaceFile(file, `${key.toString('base64')}\n`)
  return sealWith(key)
}

/** Opened by who first needs it, and once for all. */
export function lazySeal(folder: string): () => Promise<Seal> {
  let opened: Promise<Seal> | undefined
  return () => {
    opened ??= openSeal(folder).catch((thrown) => {
      opened = undefined
      throw thrown
    })
    return opened
  }
}

export function sealWith(key: Buffer): Seal {
  const id = createHash('sha256').update('croft seal').update(key).digest('hex').slice(0, 8)
  return {
    id,
    seal(name, secret) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(name))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return [version, id, iv.toString('base64url'), text.toString('base64url')].join('.')
    },
    open(name, sealed) {
      const [kind, by, iv, text, ...rest] = sealed.split('.')
      if (kind !== version || !by || !iv || !text || rest.length > 0) throw lost(name, 'it is not whole')
      if (by !== id) throw lost(name, `it was sealed with another key (${by.slice(0, 8)}, this host has ${id})`)
      try {
        const bytes = Buffer.from(text, 'base64url')
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: 16 })
        decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(-16))
        return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8')
      } catch (cause) {
        throw lost(name, 'it is not whole, or of another record', cause)
      }
    },
  }
}

function keyFrom(text: string, file: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64')
  if (/^[A-Za-z0-9+/]{43}=$/.test(text.trim()) && key.length === keyBytes) return key
  throw new CroftError('DATA_LOST', `the farm's seal key ${file} cannot be read`, {
    hint: `put a copy of ${file} back; without it: mv it away, restart the daemon, and import certificates anew`,
  })
}

const lost = (name: string, why: string, cause?: unknown): CroftError =>
  new CroftError('DATA_LOST', `the secret ${name} cannot be opened: ${why}`, {
    hint: 'put STATE/pki/seal.key of this farm back',
    cause,
  })
