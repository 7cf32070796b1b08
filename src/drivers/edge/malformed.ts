/** A wish without the sites and streams that no driver would take: no value of one of them stops the others. Pure. */
import { toCroftError } from '../../api/errors.ts'
import { checkSite, checkStream, type Once, uniqueness } from './check.ts'
import type { EdgeWish } from './driver.ts'

export interface Malformed {
  /** Of the site or stream. */
  readonly id: string
  readonly why: string
}

export function withoutMalformed(wish: EdgeWish): { readonly wish: EdgeWish; readonly malformed: Malformed[] } {
  const malformed: Malformed[] = []
  const once = uniqueness()
  for (const listen of [...wish.http, ...wish.https]) once('address to listen on', listen)
  const isGood = <T extends { readonly id: string }>(one: T, check: (one: T, once: Once) => void): boolean => {
    try {
      // Alone first: what is left out takes no name away from those that stay.
      check(one, uniqueness())
      check(one, once)
      return true
    } catch (thrown) {
      malformed.push({ id: one.id, why: toCroftError(thrown).message })
      return false
    }
  }
  const sites = wish.sites.filter((site) => isGood(site, checkSite))
  const streams = wish.streams.filter((stream) => isGood(stream, checkStream))
  const tls = wish.certificates.length > 0 || streams.some(({ match }) => match.kind === 'passthrough')
  return { wish: { ...wish, sites, streams, https: tls ? wish.https : [] }, malformed }
}
