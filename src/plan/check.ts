/**
 * From what was seen of a route to what is wrong with it: pure. Each check gives one finding, with evidence and the mend.
 * Nothing of a route that does not use it is judged: no TLS where there is no https, no redirect where both serve.
 */
import type { Finding } from '../api/resources.ts'
import { judgeAccess } from './check/access.ts'
import { judgeDns } from './check/dns.ts'
import { type CheckFacts, type CheckSubject, failed } from './check/facts.ts'
import { red, sumUp } from './check/finding.ts'
import { judgeTls } from './check/tls.ts'
import { judgeAliases, judgeHttp, judgeRedirect, nobodyListens } from './check/web.ts'

export function judgeRoute(subject: CheckSubject, facts: CheckFacts): Finding[] {
  const { dns, redirect, aliases, tls, http, tcp, listens = true } = facts
  const access = http ? judgeAccess(subject) : undefined
  return [
    ...(dns.length > 0 ? [judgeDns(dns, facts.edge)] : []),
    ...(redirect ? [judgeRedirect(redirect, subject)] : []),
    ...(aliases.length > 0 ? [judgeAliases(aliases, subject)] : []),
    ...(tls.length > 0 ? [judgeTls(tls, subject, facts.now)] : []),
    ...(access ? [access] : []),
    ...(http ? [judgeHttp(http, subject, listens)] : []),
    ...(tcp ? [judgeTcp(tcp, subject, listens)] : []),
  ].map((finding) => withUnseen(finding, facts.unseen))
}

function judgeTcp(tcp: NonNullable<CheckFacts['tcp']>, subject: CheckSubject, listens: boolean): Finding {
  const { name, target } = subject
  if (!listens) return sumUp('tcp', nobodyListens(subject), '')
  if (!failed(tcp)) return sumUp('tcp', [], `connected in ${Math.round(tcp.connectMs)} ms`)
  return sumUp(
    'tcp',
    [red(`${name} takes no connection: ${tcp.failure}`, target ? `croft show ${target.guest}` : 'croft doctor')],
    '',
  )
}

/** Of a route with hundreds of names some are looked at. */
function withUnseen(finding: Finding, unseen: number): Finding {
  const many = finding.check === 'dns' || finding.check === 'tls' || finding.check === 'aliases'
  return unseen === 0 || !many
    ? finding
    : { ...finding, evidence: `${finding.evidence} (${unseen} more names were not looked at)` }
}
