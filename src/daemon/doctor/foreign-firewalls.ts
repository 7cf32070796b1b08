/** Docker, ufw, firewalld and others: what they drop, croft cannot let through. Here is who, and how to let guests pass. */
import { z } from 'zod'
import type { Finding } from '../../api/resources.ts'
import { findForeignDrops } from '../../drivers/firewall/nftables/foreign.ts'
import { ok, red, type Theme, warn } from './finding.ts'
import type { Look } from './look.ts'

export interface Drop {
  /** As `nft list table` takes it. */
  readonly table: string
  readonly chain: string
  readonly hook: string
  readonly why: string
  /** Guests' packets are let through before the policy is reached. */
  readonly spared: boolean
}

export interface FirewallFacts {
  readonly drops: readonly Drop[]
  readonly docker: boolean
  readonly ufw: boolean
  readonly firewalld: boolean
  /** firewalld counts guests' links as trusted. */
  readonly firewalldTrusts: boolean
  /** Tables of the older iptables, which nft does not show. */
  readonly legacyTables: readonly string[]
}

export const foreignFirewalls: Theme = {
  name: 'firewall',
  examine: async (look) => judgeFirewalls(await readFirewalls(look)),
}

const firewalldMend = 'firewall-cmd --permanent --zone=trusted --add-interface=croft+ && firewall-cmd --reload'
const ufwMend = 'ufw route allow in on croft+ && ufw route allow out on croft+'

export function judgeFirewalls(facts: FirewallFacts): Finding[] {
  const findings = facts.drops.filter(({ spared }) => !spared).map((drop) => judgeDrop(drop, facts))
  if (facts.firewalld && !facts.firewalldTrusts && !facts.drops.some(({ table }) => table === 'inet firewalld'))
    findings.push(red('firewalld', 'firewalld rejects what it forwards for links it does not know', firewalldMend))
  if (facts.legacyTables.length > 0)
    findings.push(
      warn(
        'firewall',
        `rules of the older iptables are there (${facts.legacyTables.join(', ')}), nft does not show them`,
        'iptables-legacy -S FORWARD; let croft+ pass there',
      ),
    )
  if (findings.length > 0) return findings
  const others = [facts.docker && 'Docker', facts.ufw && 'ufw', facts.firewalld && 'firewalld'].filter(Boolean)
  return [ok('firewall', others.length > 0 ? `${others.join(', ')} beside croft lets guests pass` : 'croft’s alone')]
}

function judgeDrop(drop: Drop, facts: FirewallFacts): Finding {
  const evidence = `${drop.table} ${drop.chain}: ${drop.why}`
  if (drop.hook !== 'forward') return warn('firewall', evidence, letPass(drop, ['iifname']))
  if (drop.table === 'inet firewalld') return red('firewalld', evidence, firewalldMend)
  if (drop.table.endsWith(' filter') && facts.docker) return red('docker', evidence, 'croft doctor --fix docker')
  if (drop.table.endsWith(' filter') && facts.ufw) return red('ufw', evidence, ufwMend)
  return red('firewall', evidence, letPass(drop, ['iifname', 'oifname']))
}

const letPass = ({ table, chain }: Drop, sides: readonly string[]): string =>
  sides.map((side) => `nft 'insert rule ${table} ${chain} ${side} "croft*" accept'`).join(' && ')

const Expression = z.record(z.string(), z.unknown())
const Entry = z.object({
  rule: z.object({ chain: z.string(), expr: z.array(Expression).default([]) }).optional(),
})
const Table = z.object({ nftables: z.array(Entry) })
const Match = z.object({
  match: z.object({
    op: z.literal('=='),
    left: z.object({ meta: z.object({ key: z.string() }) }),
    right: z.literal('croft*'),
  }),
})

/** Takes `nft -j list table`, parsed: true when the chain, or one it jumps to, accepts all from and all to guests. */
export function sparesGuests(table: unknown, chain: string): boolean {
  const rules = Table.parse(table).nftables.flatMap(({ rule }) => (rule ? [rule] : []))
  const reached = new Set([chain])
  for (const name of reached) {
    for (const { expr } of rules.filter((rule) => rule.chain === name)) {
      const jump = expr.find((each) => 'jump' in each)?.jump
      if (expr.every((each) => 'jump' in each || 'counter' in each)) addTarget(reached, jump)
    }
  }
  const accepted = rules.filter((rule) => reached.has(rule.chain)).map(({ expr }) => acceptedSide(expr))
  return accepted.includes('iifname') && accepted.includes('oifname')
}

function addTarget(reached: Set<string>, jump: unknown): void {
  const target = z.object({ target: z.string() }).safeParse(jump)
  if (target.success) reached.add(target.data.target)
}

/** The side that a rule accepts without any other condition. */
function acceptedSide(expressions: readonly Record<string, unknown>[]): string | undefined {
  const [first, ...rest] = expressions
  const match = Match.safeParse(first)
  const last = rest.filter((each) => !('counter' in each))
  return match.success && last.length === 1 && 'accept' in (last[0] ?? {}) ? match.data.match.left.meta.key : undefined
}

export async function readFirewalls(look: Look): Promise<FirewallFacts> {
  const chains = await listJson(look, ['chains'])
  const drops: Drop[] = []
  for (const drop of findForeignDrops(chains)) {
    const table = await listJson(look, ['table', ...drop.table.split(' ')])
    drops.push({ ...drop, spared: sparesGuests(table, drop.chain) })
  }
  const [links, ufwConf, zone, legacy] = await Promise.all([
    look.text('/proc/net/dev'),
    look.text('/etc/ufw/ufw.conf'),
    look.text('/etc/firewalld/zones/trusted.xml'),
    look.text('/proc/net/ip_tables_names'),
  ])
  const text = JSON.stringify(chains)
  return {
    drops,
    docker: /^\s*docker0:/m.test(links ?? '') || text.includes('"DOCKER-USER"'),
    ufw: /^ENABLED=yes\s*$/m.test(ufwConf ?? ''),
    firewalld: text.includes('"table": "firewalld"') || text.includes('"table":"firewalld"'),
    firewalldTrusts: zone?.includes('"croft+"') ?? false,
    legacyTables: (legacy ?? '').split('\n').filter((name) => name === 'filter'),
  }
}

async function listJson(look: Look, what: readonly string[]): Promise<unknown> {
  const lines: string[] = []
  const command = { file: 'nft', args: ['-j', 'list', ...what], timeoutMs: 60_000 }
  const kept = await look.run.run(command, { onLine: (line) => lines.push(line) })
  return JSON.parse(lines.find((line) => line.startsWith('{')) ?? kept)
}
