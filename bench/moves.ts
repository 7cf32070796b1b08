/** A guest that writes the same 10 MiB over and over goes to another host: by croft, and by hand with the tools that it uses. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Guest } from '../src/api/guest.ts'
import type { TestHost, TestHosts } from '../test/system/hosts.ts'
import type { HostsPace } from './hosts.ts'
import { command, type Figure, figure } from './measure.ts'
import { createRaw } from './raw.ts'

const dirtyMib = 10

export async function movesOf({ ash, birch }: TestHosts, { runs, mib, say }: HostsPace): Promise<Figure[]> {
  await ash.croftOk('create', 'big', 'debian:12', '--host', 'ash', 'disk=4G', '--wait=stable')
  await ash.inGuest('big', 'dd', 'if=/dev/urandom', 'of=/srv/data', 'bs=1M', `count=${mib}`, 'status=none')
  const raw = await rawFor(ash)
  const [whole, down, rawWhole, rawDown]: [number[], number[], number[], number[]] = [[], [], [], []]
  try {
    // The first is not counted: it brings the template.
    for (let run = 0; run <= runs; run++) {
      const [from, to] = run % 2 === 0 ? [ash, birch] : [birch, ash]
      say(`move ${run} of ${runs}`)
      const own = await byCroft(from, to)
      const other = await byHand(raw, { ash, birch })
      if (run === 0) continue
      whole.push(own.wholeMs)
      down.push(own.downMs)
      rawWhole.push(other.wholeMs)
      rawDown.push(other.downMs)
    }
  } finally {
    await raw.dispose()
  }
  const [moves, downs] = [
    { what: `move, ${mib} MiB and ${dirtyMib} MiB that change, whole command`, contestants: [] },
    { what: 'the same, how long it is down', contestants: [] },
  ]
  const hand = 'raw send, stop, last send, start'
  return [
    figure(moves, 'croft', whole),
    figure(moves, hand, rawWhole),
    figure(downs, 'croft', down),
    figure(downs, hand, rawDown),
  ]
}

interface Took {
  readonly wholeMs: number
  readonly downMs: number
}

/** Ends with the guest. */
const writing = [
  ...['sh', '-c'],
  `(while :; do dd if=/dev/urandom of=/srv/dirty bs=1M count=${dirtyMib} conv=fsync,notrunc status=none; sleep 0.2; done) </dev/null >/dev/null 2>&1 &`,
]

async function byCroft(from: TestHost, to: TestHost): Promise<Took> {
  await from.inGuest('big', ...writing)
  const begin = performance.now()
  const said = await from.croftOk('move', 'big', to.hostName)
  const wholeMs = performance.now() - begin
  const down = /down (\d+\.\d) s/.exec(said)?.[1]
  if (down === undefined) throw new Error(`croft move does not say how long it was down:\n${said}`)
  // Both hosts clear up behind it.
  await to.waitFor(async () => {
    const { body } = await to.api('GET', '/v1/data?prefix=moves/')
    return Array.isArray(body) && body.length === 0
  }, 60_000)
  return { wholeMs, downMs: Number(down) * 1000 }
}

type Raw = Awaited<ReturnType<typeof rawFor>>

async function rawFor(ash: TestHost) {
  const guest = await ash.json<Guest>('show', 'big')
  const root = join(ash.poolDir, 'guests', String(guest.number), 'roots', guest.spec.root.id)
  const template = join(ash.poolDir, 'raw-template')
  const folder = join(ash.stateDir, 'lxc', String(guest.number))
  const model = { folder, root, number: guest.number, ipv4: guest.ipv4 }
  const { stateDir, poolDir } = ash
  const raw = createRaw({ namespace: ash.namespaces.host, env: ash.env(), model, template, poolDir, stateDir })
  await btrfs(ash, 'snapshot', '-r', root, template)
  raw.define()
  return {
    ...raw,
    async dispose() {
      await raw.dispose()
      await btrfs(ash, 'delete', template)
    },
  }
}

const btrfs = (host: TestHost, ...words: string[]) => command('btrfs', ['subvolume', ...words], host.env())

async function byHand(raw: Raw, { ash, birch }: { readonly ash: TestHost; readonly birch: TestHost }): Promise<Took> {
  const lxc = join(ash.stateDir, 'raw')
  const config = join(lxc, '900', 'config')
  const inside = (file: string, ...args: string[]) =>
    command(
      'nsenter',
      [`--net=/run/netns/${ash.namespaces.host}`, '--', file, '-P', lxc, '-n', '900', ...args],
      ash.env(),
    )
  const here = (name: string) => join(ash.poolDir, name)
  const target = join(birch.stateDir, 'pools/default')
  const there = (name: string) => join(target, name)
  await raw.create()
  await raw.attach(...writing)
  const was = readFileSync(config, 'utf8')
  const begin = performance.now()
  await btrfs(ash, 'snapshot', '-r', here('raw-root'), here('raw-first'))
  await send([here('raw-first')], target)
  const downFrom = performance.now()
  await inside('lxc-stop')
  await btrfs(ash, 'snapshot', '-r', here('raw-root'), here('raw-last'))
  await send(['-p', here('raw-first'), here('raw-last')], target)
  await btrfs(birch, 'snapshot', there('raw-last'), there('raw-root'))
  writeFileSync(config, was.replaceAll(here('raw-root'), there('raw-root')))
  await inside('lxc-start', '-d')
  const end = performance.now()
  await inside('lxc-stop', '-k')
  writeFileSync(config, was)
  for (const name of ['raw-root', 'raw-first', 'raw-last']) {
    await btrfs(ash, 'delete', here(name))
    await btrfs(birch, 'delete', there(name))
  }
  return { wholeMs: end - begin, downMs: end - downFrom }
}

/** `btrfs send | btrfs receive`. */
async function send(words: readonly string[], to: string): Promise<void> {
  const sender = spawn('btrfs', ['send', '-q', ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  const receiver = spawn('btrfs', ['receive', '-q', to], { stdio: [sender.stdout, 'ignore', 'inherit'] })
  const codes = await Promise.all(
    [sender, receiver].map((child) => new Promise<number | null>((resolve) => child.once('exit', resolve))),
  )
  if (codes.some((code) => code !== 0)) throw new Error(`btrfs send | receive: ${codes.join(', ')}`)
}
