/** Key and certificate in one file; of a CA that is being exchanged, what leads to the former one as well. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { CroftError } from '../../api/errors.ts'

export interface Pair {
  readonly text: string
  readonly key: string
  readonly pem: string
  readonly x509: X509Certificate
}

export interface Ca extends Pair {
  /** While two are trusted: the other one, and its word for the key of this one. PEM. */
  readonly former?: { readonly pem: string; readonly x509: X509Certificate; readonly cross: string }
}

/** Undefined when there is none. What cannot be read is a loss, unless it can be made again. */
export const findCa = (file: string): Promise<Ca | undefined> => find(file, readCa)
/** One that can be made again. */
export const findPair = (file: string): Promise<Pair | undefined> => find(file, readPair, 'again')

async function find<P>(file: string, read: (text: string) => P, lost?: 'again'): Promise<P | undefined> {
  const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  if (text === undefined) return undefined
  try {
    return read(text)
  } catch (cause) {
    if (lost === 'again') return undefined
    throw new CroftError('DATA_LOST', `the farm's certificate authority ${file} cannot be read`, {
      hint: `put a copy of ${file} back; without it: mv it away, restart the daemon, and let everybody log in anew`,
      cause,
    })
  }
}

export function readPair(text: string): Pair {
  const [key, pem] = ['PRIVATE KEY', 'CERTIFICATE'].map(
    (what) => new RegExp(`-----BEGIN ${what}-----[^-]+-----END ${what}-----\n`).exec(text)?.[0],
  )
  if (!key || !pem) throw new Error('no key, or no certificate')
  const x509 = new X509Certificate(pem)
  if (!x509.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is not that of the certificate')
  return { text, key, pem, x509 }
}

/** Key, certificate; then, while two are trusted, this one signed by the former, and the former. */
export function readCa(text: string): Ca {
  const pair = readPair(text)
  const [, cross, pem, ...rest] = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? []
  if (cross === undefined) return pair
  if (pem === undefined || rest.length > 0) throw new Error('more certificates than it can have, or less')
  const x509 = new X509Certificate(pem)
  const word = new X509Certificate(cross)
  if (!word.verify(x509.publicKey) || !word.publicKey.equals(pair.x509.publicKey))
    throw new Error('its certificates do not belong to each other')
  return { ...pair, former: { pem, x509, cross } }
}
