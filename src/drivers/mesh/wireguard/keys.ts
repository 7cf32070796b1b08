/** The private keys of this host, each in a file that nobody else reads; on no command line. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import { replacePrivately } from './files.ts'

export interface Keys {
  /** Made when there is none. A next one that is `published` takes its place; one that was never told is forgotten. */
  current(published?: string): Promise<KeyPair>
  next(): Promise<KeyPair>
}
export interface KeyPair {
  readonly privateKey: string
  readonly publicKey: string
}

export function createKeys(folder: string): Keys {
  const [file, nextFile] = [join(folder, 'key'), join(folder, 'key.next')]

  async function current(published?: string): Promise<KeyPair> {
    const next = published === undefined ? undefined : await readPair(nextFile)
    if (next && next.publicKey === published) await rename(nextFile, file)
    return (await readPair(file)) ?? make(file)
  }

  async function make(path: string): Promise<KeyPair> {
    const raw = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' }).d ?? ''
    await replacePrivately(path, `${Buffer.from(raw, 'base64url').toString('base64')}\n`)
    const made = await readPair(path)
    if (!made) throw new CroftError('FAILED', `the key of the mesh went away while it was written: ${path}`)
    return made
  }

  return { current, next: () => make(nextFile) }
}

/** Undefined when there is no such file; one that is no key is not replaced in silence, for the others know it. */
async function readPair(path: string): Promise<KeyPair | undefined> {
  let privateKey: string
  try {
    privateKey = (await readFile(path, 'utf8')).trim()
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
    throw new CroftError('FAILED', `cannot read ${path}`, { cause: thrown })
  }
  const raw = Buffer.from(privateKey, 'base64')
  if (raw.length !== 32) throw new CroftError('DATA_LOST', `${path} is no key`, { hint: `rm ${path}` })
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, raw]), format: 'der', type: 'pkcs8' })
  const shown = createPublicKey(key).export({ format: 'jwk' }).x ?? ''
  return { privateKey, publicKey: Buffer.from(shown, 'base64url').toString('base64') }
}

/** What stands before the 32 bytes of an X25519 key (RFC 8410). */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
