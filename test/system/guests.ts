/** What tests ask of guests, and do inside them. */
import { readFileSync } from 'node:fs'
import type { Guest, GuestState } from '../../src/api/guest.ts'
import { at, type TestFarm } from './farm.ts'
import type { Place } from './places.ts'

const who = readFileSync(new URL('who.pl', import.meta.url), 'utf8')

export const show = (farm: TestFarm, name: string): Promise<Guest> => farm.json<Guest>('show', name)

export const stateOf = async (farm: TestFarm, name: string): Promise<GuestState | undefined> =>
  (await show(farm, name)).status?.state

/** Differs after every start. */
export async function initOf(farm: TestFarm, name: string): Promise<string> {
  const said = await farm.inGuest(name, 'cat', '/proc/1/stat')
  return said.split(') ').at(-1)?.split(' ')[19] ?? ''
}

/** A server in the guest that answers `NAME sees CLIENT`. */
export async function serve(farm: TestFarm, name: string, port: number, mode: 'once' | 'hold' = 'once'): Promise<void> {
  const words = [name, String(port), ...(mode === 'hold' ? ['1'] : [])]
  const said = await farm.croftWith({ stdin: who }, 'exec', name, '--', 'tee', '/srv/who.pl')
  if (said.code !== 0) throw new Error(said.stderr)
  await farm.inGuest(
    name,
    'setsid',
    '--fork',
    'sh',
    '-c',
    'exec perl /srv/who.pl "$@" </dev/null >/dev/null 2>&1',
    'who',
    ...words,
  )
  const listening = await farm.croft(
    'exec',
    name,
    '--',
    'sh',
    '-c',
    `for i in $(seq 100); do ss -Hltn sport = :${port} | grep -q . && exit; sleep 0.05; done; exit 1`,
  )
  if (listening.code !== 0) throw new Error(`nothing listens on ${port} in ${name}: ${listening.stderr}`)
}

/** The same outside. */
export async function serveOutside(farm: TestFarm, port: number): Promise<void> {
  farm.background('outside', {
    file: 'perl',
    args: [new URL('who.pl', import.meta.url).pathname, 'outside', String(port)],
  })
  await farm.waitFor(async () => (await get(farm, 'outside', `127.0.0.1:${port}`)) !== undefined)
}

/** What a server said; undefined when nothing came in time. */
export async function get(
  farm: TestFarm,
  from: Place | { guest: string },
  to: string,
  seconds = 1.5,
): Promise<string | undefined> {
  const args = ['-s', '-g', '--noproxy', '*', '-m', String(seconds), `http://${to}/`]
  const said =
    typeof from === 'string'
      ? await (from === 'host' ? farm.host({ file: 'curl', args }) : farm.outside({ file: 'curl', args }))
      : await farm.croft('exec', from.guest, '--', 'curl', ...args)
  return said.code === 0 ? said.stdout.trim() : undefined
}

export const outside4 = at.outside.v4
export const outside6 = `[${at.outside.v6}]`
