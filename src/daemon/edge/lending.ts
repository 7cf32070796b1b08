/** Guests that were given a certificate have that of their one name, never a route's, and the next one as soon as it is there. */
import { toCroftError } from '../../api/errors.ts'
import type { EdgeCertificate } from '../../drivers/edge/driver.ts'
import type { KeyPair } from '../../drivers/runtime/driver.ts'
import { uidOf } from '../../plan/addresses.ts'
import type { EdgeGuest } from '../../plan/edge.ts'
import type { HostParts } from '../host/parts.ts'

export interface Lending {
  /** To those of this host. One that cannot be given hers keeps nobody else waiting. */
  lend(guests: readonly EdgeGuest[], lent: readonly EdgeCertificate[]): Promise<void>
}

export function createLending({ runtime, host, log }: Pick<HostParts, 'runtime' | 'host' | 'log'>): Lending {
  /** Who may have one. Undefined: an earlier daemon gave, so everybody may. */
  let holders: Set<number> | undefined

  return {
    async lend(guests, lent) {
      const had = holders
      holders = new Set()
      for (const { number, name, certificate, slot } of guests) {
        if (slot === undefined || (certificate === undefined && had?.has(number) === false)) continue
        if (certificate !== undefined) holders.add(number)
        const found = lent.find(({ names }) => certificate !== undefined && names.includes(certificate))
        // None for a moment is no reason to take the last one away.
        if (certificate !== undefined && !found) continue
        await runtime.lend({ number, uidBase: uidOf(host.uidBase, slot) }, found && pairOf(found)).catch((thrown) => {
          log.warn({ guest: name }, `its certificate cannot be given: ${toCroftError(thrown).message}`)
        })
      }
    },
  }
}

function pairOf({ pem }: EdgeCertificate): KeyPair {
  const blocks = pem.match(/-----BEGIN [A-Z0-9 ]+-----[^-]+-----END [A-Z0-9 ]+-----/g) ?? []
  const isKey = (block: string) => /^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(block)
  const text = (some: readonly string[]) => `${some.join('\n')}\n`
  return { key: text(blocks.filter(isKey)), cert: text(blocks.filter((block) => !isKey(block))) }
}
