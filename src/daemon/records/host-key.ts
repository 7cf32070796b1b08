/** The key that a host proves itself by: its own record says which, so that no other certificate in its name counts. */
import { createHash, X509Certificate } from 'node:crypto'
import { isCode } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import { keys } from './keys.ts'
import { type HostRecord, read } from './records.ts'

/** SHA-256 of the public key; a renewed certificate keeps it. Of several in a PEM the first is the host's. */
export function hostKeyOf(certificate: string | Buffer | X509Certificate): string {
  const x509 = certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate)
  return createHash('sha256')
    .update(x509.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

/** A record of an older daemon names none: its host is known by its name until it has written one. */
export const isKeyOf = ({ key }: Pick<HostRecord, 'key'>, shown: () => string): boolean =>
  key === undefined || key === shown()

const tries = 20

/** By the host itself, before it shows what it has. */
export async function tellHostKey(store: Store, host: string, key: string): Promise<void> {
  for (let count = 1; ; count++) {
    const held = await read<HostRecord>(store, keys.host(host))
    if (!held || held.value.key === key) return
    try {
      const value: HostRecord = { ...held.value, key }
      await store.transact([{ key: held.key, revision: held.revision }], [{ put: held.key, value }])
      return
    } catch (thrown) {
      if (!isCode(thrown, 'CHANGED_MEANWHILE') || count >= tries) throw thrown
    }
  }
}
