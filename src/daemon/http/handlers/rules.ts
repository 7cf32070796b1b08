/** Ports and firewall rules: parts of a guest's spec, and what the kernel made of them. */
import { CroftError } from '../../../api/errors.ts'
import type { GuestSpec, NewPort, Port, Rule, RuleView } from '../../../api/guest.ts'
import { counterKey } from '../../../drivers/firewall/driver.ts'
import { type Daemon, getFarm } from '../../daemon.ts'
import { compileFor } from '../../host/firewall-gate.ts'
import { readFarmGuests } from '../../records/farm-guests.ts'
import { changeSpec } from '../../records/guest-spec.ts'
import { getGuestRecord } from '../../records/guests.ts'
import { portsOf } from '../../records/ports.ts'
import type { GuestRecord } from '../../records/records.ts'
import type { Handlers } from '../handler.ts'

const mostRules = 200

/** The very port it has already is no conflict; the same host port to elsewhere is. */
function newPort(spec: GuestSpec, body: NewPort): Port[] {
  const [port] = portsOf([body])
  const held = spec.ports.find((known) => known.protocol === port?.protocol && known.hostPort === port.hostPort)
  if (!held || !port) return port ? [port] : []
  if (held.guestPort === port.guestPort && held.address === port.address) return []
  throw new CroftError(
    'EXISTS',
    `port ${port.protocol}/${port.hostPort} goes to ${held.guestPort} of this guest already`,
    {
      hint: 'croft port GUEST --rm PORT',
    },
  )
}

export const handlers = {
  async listRules(daemon, { params }): Promise<RuleView[]> {
    const guest = (await getGuestRecord(daemon, params.guest)).value
    return (await createRuleViews(daemon))(guest)
  },

  async listAllRules(daemon): Promise<RuleView[]> {
    const guests = await readFarmGuests(daemon.store)
    const viewsOf = await createRuleViews(daemon)
    const byName = guests.map(({ value }) => value).sort((a, b) => (a.name < b.name ? -1 : 1))
    return byName.flatMap((guest) => viewsOf(guest).map((view) => ({ guest: guest.name, ...view })))
  },

  async addRule(daemon, { params, body, query, caller }) {
    const answer = await changeSpec(daemon, { name: params.guest, verb: body.action, query, caller }, (spec) =>
      withRule(spec, body),
    )
    return afterRules(daemon, answer)
  },

  async removeRule(daemon, { params, body, query, caller }) {
    const answer = await changeSpec(daemon, { name: params.guest, verb: 'rule rm', query, caller }, (spec) =>
      'all' in body ? { ...spec, rules: [] } : withoutRule(spec, body.rule),
    )
    return afterRules(daemon, answer)
  },

  async addPort(daemon, { params, body, query, caller }) {
    const answer = await changeSpec(daemon, { name: params.guest, verb: 'port', query, caller }, (spec) => ({
      ...spec,
      ports: [...spec.ports, ...newPort(spec, body)],
    }))
    return afterRules(daemon, answer)
  },

  async removePort(daemon, { params, body: { protocol, hostPort }, query, caller }) {
    const answer = await changeSpec(daemon, { name: params.guest, verb: 'port rm', query, caller }, (spec) => {
      const ports = spec.ports.filter((port) => port.protocol !== protocol || port.hostPort !== hostPort)
      if (ports.length < spec.ports.length) return { ...spec, ports }
      throw new CroftError('NOT_FOUND', `guest "${params.guest}" does not publish ${protocol}/${hostPort}`, {
        hint: `croft port ${params.guest}`,
      })
    })
    return afterRules(daemon, answer)
  },
} satisfies Partial<Handlers>

/** Rules as they are shown, with what the kernel counted now. */
async function createRuleViews(daemon: Daemon): Promise<(guest: GuestRecord) => RuleView[]> {
  const { parts } = getFarm(daemon)
  const [counters, compiled] = await Promise.all([parts.firewall.counters(), compileFor(parts, () => true)])
  const findings = new Map(
    compiled.findings.filter(({ what }) => what === 'rule').map((found) => [`${found.guest} ${found.index}`, found]),
  )
  return (guest) =>
    guest.spec.rules.map((rule, index) => {
      const never = findings.get(`${guest.name} ${index}`)?.never
      const packets = counters.get(counterKey(guest.number, index)) ?? null
      return { ...rule, packets, ...(never === undefined ? {} : { never }) }
    })
}

/** The answer comes when the kernel holds the rules, not before. */
async function afterRules<T>(daemon: Daemon, answer: T): Promise<T> {
  await getFarm(daemon).loop.gate.refresh()
  return answer
}

const sameRule = (a: Rule, b: Rule): boolean =>
  JSON.stringify({ ...ordered(a), log: false }) === JSON.stringify({ ...ordered(b), log: false })
const ordered = ({ action, direction, peer, service, log }: Rule) => ({
  action,
  direction,
  peer,
  service: [service.protocol, service.from, service.to],
  log,
})

function withRule(spec: GuestSpec, rule: Rule): GuestSpec {
  if (spec.rules.length >= mostRules) throw new CroftError('LIMIT_REACHED', `a guest has at most ${mostRules} rules`)
  const others = spec.rules.filter((known) => !sameRule(known, rule))
  return { ...spec, rules: [...others, rule] }
}

function withoutRule(spec: GuestSpec, rule: Rule): GuestSpec {
  const rules = spec.rules.filter((known) => !sameRule(known, rule))
  if (rules.length === spec.rules.length)
    throw new CroftError('NOT_FOUND', 'the guest has no such rule', { hint: 'croft allow ls' })
  return { ...spec, rules }
}
