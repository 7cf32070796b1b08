/** The kernel's packet filter, by `nft`. Two tables of ours, fixed rules, everything else in sets (docs/design/network.md). */
import { CroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import { commandFailed } from '../../exec/runner.ts'
import { checkModel } from '../check.ts'
import type { Firewall, FirewallModel } from '../driver.ts'
import { applyScript, listTable } from './commands.ts'
import { arpOwn, type Contents, contentsOf } from './elements.ts'
import { type Listing, parseListing } from './parse.ts'
import { inetRules } from './rules.ts'
import { type Difference, destroyScript, difference, openScript, shutScript, wholeScript } from './script.ts'

/** What stands in the kernel, as far as this process knows. */
interface Written {
  readonly rules: string
  readonly contents: Contents
  /** How the kernel tells the rules back. */
  readonly listed: string
}

export function createNftables({ run, table = 'croft' }: { run: Runner; table?: string }): Firewall {
  if (!/^[a-z][a-z0-9_]{0,30}$/.test(table)) throw new CroftError('BAD_VALUE', `no name for a table: "${table}"`)
  let written: Written | undefined
  let drifted = false
  let last: Promise<unknown> = Promise.resolve()
  /** One change at a time: each starts from what the one before left. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  const apply = (script: string) => run.run(applyScript(script))

  async function writeWhole(rules: string, contents: Contents): Promise<void> {
    written = undefined
    // What a foreign hand left of our table may not take the gate; then the rest is all the more urgent.
    await run.outcome(applyScript(shutScript(table, 'all')))
    await apply(wholeScript(table, rules, contents))
    await apply(openScript(table))
    const listed = await listRules(run, table)
    if (listed === undefined) throw new CroftError('FAILED', `the tables ${table} went away while they were written`)
    written = { rules, contents, listed }
    drifted = false
  }

  /** False when the kernel refused: it does not hold what we think. */
  async function writeDifference({ script, shut }: Difference): Promise<boolean> {
    const scripts = shut.length === 0 ? [script] : [shutScript(table, shut), script, openScript(table)]
    for (const each of scripts) if ((await run.outcome(applyScript(each))).code !== 0) return false
    return true
  }

  async function reconcile(model: FirewallModel): Promise<void> {
    checkModel(model)
    const rules = inetRules(model)
    const contents = contentsOf(model)
    if (!written || drifted || written.rules !== rules) return writeWhole(rules, contents)
    const changes = difference(table, written.contents, contents)
    if (changes.script === '') return (await holds(run, table, written)) ? undefined : writeWhole(rules, contents)
    // Whether the rules still stand is not asked here, it would double the cost: tables that went away refuse the elements,
    // and intact() finds the rest.
    const { listed } = written
    written = undefined
    if (!(await writeDifference(changes))) return writeWhole(rules, contents)
    written = { rules, contents, listed }
  }

  return {
    name: 'nftables',
    reconcile: (model) => inTurn(() => reconcile(model)),
    intact: () =>
      inTurn(async () => {
        if (!written || drifted) return false
        drifted = !(await holds(run, table, written))
        return !drifted
      }),
    counters: () => inTurn(async () => countPackets(await list(run, 'inet', table, false), written)),
    destroy: () =>
      inTurn(async () => {
        await apply(destroyScript(table))
        written = undefined
      }),
  }
}

/** Rules and every element, nothing more and nothing less. */
async function holds(run: Runner, table: string, { contents, listed }: Written): Promise<boolean> {
  const [inet, arp] = await Promise.all([list(run, 'inet', table, false), list(run, 'arp', table, false)])
  if (!inet || !arp || inet.rules + arp.rules !== listed) return false
  const found = new Map([...inet.sets, [arpOwn, arp.sets.get('own') ?? new Map<string, string>()]])
  const setsHold = [...found].every(([name, elements]) => same(elements, contents.sets.get(name) ?? new Map()))
  return setsHold && same(inet.limits, contents.limits)
}

async function listRules(run: Runner, table: string): Promise<string | undefined> {
  const [inet, arp] = await Promise.all([list(run, 'inet', table, true), list(run, 'arp', table, true)])
  return inet && arp ? inet.rules + arp.rules : undefined
}

/** Undefined when there is no such table. */
async function list(run: Runner, family: 'inet' | 'arp', table: string, terse: boolean): Promise<Listing | undefined> {
  const command = listTable(family, table, terse)
  const lines: string[] = []
  // By line: what the runner keeps for itself is cut at a size that a full farm exceeds.
  const result = await run.outcome(command, { onLine: (line) => lines.push(line) })
  if (result.code === 0) return parseListing(lines.find((line) => line.startsWith('{')) ?? result.stdout)
  if (result.stderr.includes('No such file or directory')) return undefined
  throw commandFailed(command, result)
}

function countPackets(listing: Listing | undefined, written: Written | undefined): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [element, rule] of written?.contents.owners ?? []) {
    counts.set(rule, (counts.get(rule) ?? 0) + (listing?.packets.get(element) ?? 0))
  }
  return counts
}

function same<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}
