/** What HTTP answered: where names lead, and what the first one says. Pure. */
import type { Finding } from '../../api/resources.ts'
import { listensText, seeListeners } from '../route-state.ts'
import { isByRule } from './access.ts'
import { type CheckSubject, failed, type HttpFacts, type LeadFacts } from './facts.ts'
import { red, sumUp, type Trouble, warn } from './finding.ts'

/** Longer than this a visitor notices; longer than that most are gone. */
const slowMs = 1000
export const patienceMs = 10_000

export function judgeRedirect(facts: LeadFacts, { name, hosts }: CheckSubject): Finding {
  const host = hosts[0] ?? name
  const to = failed(facts) ? null : facts.to
  return sumUp('redirect', troubleOf(), `http → ${to}`)

  function troubleOf(): Trouble[] {
    if (failed(facts))
      return [red(`http://${facts.name} does not answer: ${facts.failure}`, `croft route show ${name}`)]
    if (facts.to === null)
      return [
        red(`http://${facts.name} answers ${facts.status} and does not lead to https`, `croft route show ${name}`),
      ]
    const url = URL.parse(facts.to)
    if (url?.protocol === 'https:' && url.hostname === facts.name) return []
    return [
      warn(
        `http://${facts.name} leads to ${facts.to.slice(0, 200)}, not to https://${host}`,
        `croft route show ${name}`,
      ),
    ]
  }
}

export function judgeAliases(aliases: readonly LeadFacts[], { name, hosts }: CheckSubject): Finding {
  const host = hosts[0] ?? name
  const troubles = aliases.flatMap((facts): Trouble[] => {
    if (failed(facts)) return [red(`${facts.name} does not answer: ${facts.failure}`, `croft route show ${name}`)]
    if (facts.to !== null && URL.parse(facts.to)?.hostname === host) return []
    const told = facts.to === null ? `answers ${facts.status}` : `leads to ${facts.to.slice(0, 200)}`
    return [red(`${facts.name} ${told}, not to ${host}`, `croft route show ${name}`)]
  })
  const which = aliases.length === 1 ? aliases[0]?.name : `${aliases.length} aliases`
  return sumUp('aliases', troubles, `${which} → ${host}`)
}

export function judgeHttp(http: HttpFacts, subject: CheckSubject, listens = true): Finding {
  const isRule = !failed(http) && isByRule(http.status, subject.access)
  const told = failed(http) ? '' : `${http.status} in ${Math.round(http.firstByteMs)} ms`
  if (!listens && (isRule || failed(http) || http.status >= 500)) return sumUp('http', nobodyListens(subject), '')
  if (isRule) return sumUp('http', [], `${told}, by its access; what is behind was not seen`)
  return sumUp('http', troublesOf(http, subject), told)
}

function troublesOf(http: HttpFacts, subject: CheckSubject): Trouble[] {
  if (failed(http)) return [red(`no answer: ${http.failure}`, mendOf(subject))]
  const { status, firstByteMs } = http
  if (status === 503) return [red(`503: ${whyNobody(subject)}`, mendOf(subject))]
  if (status >= 500)
    return [red(`${status}: ${subject.kind === 'guest' ? 'the guest' : 'the other side'} fails`, mendOf(subject))]
  if (status >= 400) return [warn(`${status} in ${Math.round(firstByteMs)} ms`, mendOf(subject))]
  return slow(firstByteMs, subject)
}

/** The edge has the names of both. */
export function nobodyListens({ name, target }: CheckSubject): Trouble[] {
  if (!target) return [red('nobody takes the request', `croft route show ${name}`)]
  return [red(listensText(`${target.guest}:${target.port}`), seeListeners(target.guest))]
}

function slow(ms: number, subject: CheckSubject): Trouble[] {
  if (ms <= slowMs) return []
  const evidence = `the first byte came after ${(ms / 1000).toFixed(1)} s`
  return [ms > patienceMs ? red(evidence, mendOf(subject)) : warn(evidence, mendOf(subject))]
}

function whyNobody({ kind, target }: CheckSubject): string {
  if (kind !== 'guest' || !target) return 'nobody takes the request'
  return target.state === 'running' ? `nothing answers in ${target.guest}` : `guest ${target.guest} is ${target.state}`
}

function mendOf({ name, target }: CheckSubject): string {
  if (!target) return `croft route show ${name}`
  return target.state === 'stopped' ? `croft start ${target.guest}` : `croft logs ${target.guest}`
}
