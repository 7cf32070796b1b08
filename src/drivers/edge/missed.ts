/** A wish without the addresses that could not be had. Pure. */
import { parseListen } from '../../api/values.ts'
import type { EdgeWish } from './driver.ts'

/** Where it asks to be heard. */
export const listensIn = ({ http, https, streams }: Pick<EdgeWish, 'http' | 'https' | 'streams'>): string[] => [
  ...http,
  ...https,
  ...streams.flatMap(({ match }) => (match.kind === 'port' ? [match.listen] : [])),
]

export const portsIn = (listens: readonly string[]): number[] =>
  listens.flatMap((text) => parseListen(text)?.port ?? [])

/**
 * A stream goes with its port. Sites are served on what is left of the web's addresses, but never by http alone when https
 * was wished: passwords would go in the clear.
 */
export function without(wish: EdgeWish, missed: readonly string[]): EdgeWish {
  if (missed.length === 0) return wish
  const isLeft = (listen: string) => !missed.includes(listen)
  const [http, https] = [wish.http.filter(isLeft), wish.https.filter(isLeft)]
  const hasWeb = https.length > 0 || (wish.https.length === 0 && http.length > 0)
  const streams = wish.streams.filter(({ match }) => (match.kind === 'port' ? isLeft(match.listen) : hasWeb))
  return hasWeb ? { ...wish, http, https, streams } : { ...wish, http: [], https: [], sites: [], streams }
}
