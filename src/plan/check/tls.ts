/** Is each name served with a certificate that its visitors believe, and for long enough? Pure. */
import type { Finding } from '../../api/resources.ts'
import { type CheckSubject, failed, type TlsFacts, type TlsSeen } from './facts.ts'
import { red, sumUp, type Trouble, warn } from './finding.ts'

const day = 24 * 3600 * 1000

export function judgeTls(tls: readonly TlsFacts[], subject: CheckSubject, now: number): Finding {
  const seen = tls.filter((each): each is TlsSeen => !failed(each))
  const soonest = Math.min(...seen.map(({ until }) => until))
  const issuers = [...new Set(seen.map(({ issuer }) => issuer))].join(', ')
  const fine = `${tls.length === 1 ? '' : `${tls.length} names, `}by ${issuers}, until ${dateText(soonest)} (${leftText(soonest - now)})`
  return sumUp(
    'tls',
    tls.flatMap((each) => judgeOne(each, subject, now) ?? []),
    fine,
  )
}

function judgeOne(
  facts: TlsFacts,
  { name: route, passthrough, target }: CheckSubject,
  now: number,
): Trouble | undefined {
  const issue = passthrough
    ? `croft shell ${target?.guest}: the certificate is its own`
    : `croft cert issue ${facts.name}`
  if (failed(facts)) return red(`${facts.name}: no TLS: ${facts.failure}`, `croft route show ${route}`)
  const { name, from, until, matches, names, issuer, trust, reason } = facts
  const which = `the certificate of ${name}`
  if (now >= until) return red(`${which} ended at ${dateText(until)}`, issue)
  if (now < from) return red(`${which} begins at ${dateText(from)}: is this host’s clock behind?`, 'croft doctor')
  if (!matches) return red(`${which} is for ${names.slice(0, 5).join(', ') || 'no name'}`, issue)
  if (trust === 'none')
    return red(`nobody trusts ${which}, by ${issuer || 'nobody'}${reason === undefined ? '' : `: ${reason}`}`, issue)
  const left = until - now
  if (left < redBelow(until - from)) return red(`${which} ends in ${leftText(left)}`, issue)
  if (left < warnBelow(until - from)) return warn(`${which} ends in ${leftText(left)} and was not renewed`, issue)
  if (trust === 'farm') return warn(`${which} is by the farm’s own CA: browsers do not know it`, issue)
  return undefined
}

/** It is renewed at two thirds of its life, a month before the end at the earliest: a day later somebody should look. */
const warnBelow = (life: number): number => Math.min(life / 3, 30 * day) - Math.min(day, life / 30)
const redBelow = (life: number): number => Math.min(3 * day, life / 10)

const dateText = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : 'never')

function leftText(ms: number): string {
  if (!Number.isFinite(ms)) return 'never'
  const hours = Math.floor(ms / 3600_000)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}
