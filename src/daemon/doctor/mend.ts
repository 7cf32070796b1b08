/** `croft doctor --fix NAME`: what is safe to mend without asking. Each is idempotent and tells what it changed. */
import { CroftError, isCode } from '../../api/errors.ts'
import type { MendName } from '../../api/resources.ts'
import type { Command, Outcome, Runner } from '../../drivers/exec/command.ts'
import { prepareIds, prepareSettings } from '../hostprep/hostprep.ts'
import { sparesGuests } from './foreign-firewalls.ts'
import type { Patient } from './patient.ts'

export type Mend = (patient: Patient) => Promise<readonly string[]>

export const mends: Readonly<Record<MendName, Mend>> = {
  docker: ({ run }) => letGuestsPassDocker(run),
  sysctl: () => prepareSettings(),
  subuid: () => prepareIds(),
  'pool-mount': mountPools,
}

/** Docker keeps what stands in DOCKER-USER through its own restarts; a reboot takes it away. */
export async function letGuestsPassDocker(run: Runner): Promise<string[]> {
  const changes: string[] = []
  for (const family of ['ip', 'ip6'] as const) {
    const chain = 'DOCKER-USER'
    const listed = await run.outcome(nft(['-j', 'list', 'table', family, 'filter']))
    if (listed.code !== 0 || !listed.stdout.includes(`"${chain}"`)) continue
    if (sparesGuests(JSON.parse(listed.stdout), chain)) continue
    const rule = (side: string) => `insert rule ${family} filter ${chain} ${side} "croft*" counter accept`
    await run.run({ ...nft(['-f', '-']), stdin: `${rule('oifname')}\n${rule('iifname')}\n` })
    changes.push(`${family} filter ${chain}: packets from and to croft* pass (until the next boot)`)
  }
  changes.push(...(await letGuestsPassLegacy(run)))
  if (changes.length > 0 || (await hasChain(run))) return changes
  throw new CroftError('NOT_FOUND', 'Docker has no chain DOCKER-USER here', { hint: 'croft doctor' })
}

/** A Docker that was told to use the older iptables keeps its chains where nft does not see them. */
async function letGuestsPassLegacy(run: Runner): Promise<string[]> {
  const listed = await ifInstalled(run, legacy(['-S', 'DOCKER-USER']))
  if (listed?.code !== 0) return []
  const missing = ['-i', '-o'].filter((side) => !listed.stdout.includes(`-A DOCKER-USER ${side} croft+ -j ACCEPT`))
  for (const side of missing) await run.run(legacy(['-I', 'DOCKER-USER', side, 'croft+', '-j', 'ACCEPT']))
  return missing.length === 0
    ? []
    : ['iptables-legacy DOCKER-USER: packets from and to croft+ pass (until the next boot)']
}

async function hasChain(run: Runner): Promise<boolean> {
  if ((await run.outcome(nft(['list', 'chain', 'ip', 'filter', 'DOCKER-USER']))).code === 0) return true
  return (await ifInstalled(run, legacy(['-S', 'DOCKER-USER'])))?.code === 0
}

async function ifInstalled(run: Runner, command: Command): Promise<Outcome | undefined> {
  try {
    return await run.outcome(command)
  } catch (thrown) {
    if (isCode(thrown, 'COMMAND_MISSING')) return undefined
    throw thrown
  }
}

async function mountPools({ open }: Patient): Promise<string[]> {
  if (!open) throw new CroftError('NOT_INITIALISED', 'this host has no farm yet', { hint: 'croft init' })
  const { pools } = open.parts
  const came = await pools.bring()
  await open.loop.lookAround()
  for (const name of pools.names)
    if (!(await pools.state(name)).mounted)
      throw new CroftError('POOL_MISSING', pools.whyAway(name), { hint: 'attach its disk; croft doctor' })
  return came.map((name) => `pool ${name}: mounted`)
}

const legacy = (args: readonly string[]): Command => ({ file: 'iptables-legacy', args, timeoutMs: 20_000 })
const nft = (args: readonly string[]) => ({ file: 'nft', args, timeoutMs: 60_000 })
