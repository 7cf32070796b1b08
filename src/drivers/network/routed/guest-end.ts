/** A guest's end of its link, set from the host in the guest's network namespace and nowhere else of it. */

import { readlink } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { CroftError } from '../../../api/errors.ts'
import { formatRange, parseRange } from '../../../plan/firewall/ranges.ts'
import type { Runner } from '../../exec/command.ts'
import type { GuestEnd } from '../driver.ts'
import * as commands from './commands.ts'
import { parseSingles } from './parse.ts'
import { whole } from './read.ts'

/** What the guest made of its own end harms itself alone: lines that fail there are passed over. */
export async function equip(run: Runner, link: string, end: GuestEnd): Promise<void> {
  await assertGuests(end.pid)
  const lines = end.fresh ? usableAtOnce(end) : await follow(run, link, end)
  await run.outcome(commands.insideNetworkOf(end.pid, lines))
}

/** Given by its configuration a moment ago, and looked for on the link for a second: taken and given again without that. */
const usableAtOnce = ({ ipv6, more }: GuestEnd): string[] =>
  [ipv6, ...more.filter(isIPv6)].flatMap((address) => [commands.takeAddress(address), commands.giveAddress(address)])

/** The routes to the link tell what it was given before. */
async function follow(run: Runner, link: string, end: GuestEnd): Promise<string[]> {
  const own = [end.ipv4, end.ipv6].map(spelled)
  const more = end.more.map(spelled)
  const listed = await Promise.all(([4, 6] as const).map((family) => whole(run, commands.listRoutesTo(family, link))))
  const found = listed.flatMap(parseSingles)
  const gone = found.filter((address) => !own.includes(address) && !more.includes(address))
  for (const address of gone) await run.outcome(commands.deleteRoute(address, link))
  for (const address of more) if (!found.includes(address)) await run.run(commands.addRoute(address, link))
  await run.run(commands.setMtu(link, end.mtu))
  return [...gone.map(commands.takeAddress), ...more.map(commands.giveAddress), commands.limitPackets(end.mtu)]
}

/** A number that became a process of the host meanwhile must not have the host's own link changed. */
async function assertGuests(pid: number): Promise<void> {
  const [own, its] = await Promise.all(
    ['self', pid].map((who) => readlink(`/proc/${who}/ns/net`).catch(() => undefined)),
  )
  if (its === undefined || its === own) throw new CroftError('NOT_RUNNING', 'the guest ended while its link was set up')
}

const spelled = (address: string): string => {
  const range = parseRange(address)
  return range ? formatRange(range) : address
}
