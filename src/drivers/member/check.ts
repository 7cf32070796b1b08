/** What every driver refuses: words that would say something else in etcd's settings. */
import { isIP } from 'node:net'
import { CroftError } from '../../api/errors.ts'
import type { MemberWish } from './driver.ts'

export function checkWish(wish: MemberWish): void {
  const { name, clientUrl, peerUrl, initial, token, tls } = wish
  for (const url of [clientUrl, peerUrl]) checkUrl(url, tls !== undefined)
  for (const each of initial) checkUrl(each.peerUrl, tls !== undefined)
  for (const word of [name, token, ...initial.map((each) => each.name)]) checkWord(word)
  if (tls) for (const file of [tls.ca, tls.cert, tls.key]) checkFile(file)
  if (initial.some((each) => each.name === name && each.peerUrl === peerUrl)) return
  throw new CroftError('BAD_VALUE', `${name} at ${peerUrl} is not among the members that it is to begin with`)
}

/** Addresses alone: a name would have to be resolved before there is a farm to resolve it. */
function checkUrl(url: string, secure: boolean): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const host = parsed?.hostname.replace(/^\[|\]$/g, '') ?? ''
  if (
    parsed?.protocol === (secure ? 'https:' : 'http:') &&
    isIP(host) > 0 &&
    parsed.port !== '' &&
    parsed.origin === url
  )
    return
  throw new CroftError('BAD_VALUE', `${url.slice(0, 80)} is no place for a member of the store`)
}

function checkWord(word: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/.test(word)) return
  throw new CroftError('BAD_VALUE', `${JSON.stringify(word.slice(0, 60))} is no name for a member of the store`)
}

function checkFile(path: string): void {
  if (/^\/[\w./+@-]+$/.test(path)) return
  throw new CroftError('BAD_VALUE', `${JSON.stringify(path.slice(0, 80))} is no path for a member's certificates`)
}
