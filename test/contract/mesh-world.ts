/** Three hosts, each in a network namespace of its own, joined by a bridge; drivers run there by `nsenter`. Needs root. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Command, Runner } from '../../src/drivers/exec/command.ts'
import { startDetached } from '../../src/drivers/exec/detached.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import type { Mesh, MeshKind } from '../../src/drivers/mesh/driver.ts'
import type { Start } from '../../src/drivers/mesh/wireguard/process.ts'
import { type HostName, hostNames, type MeshWorld, v4, v6 } from './mesh.ts'

export const run = createRunner()
export const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })

export interface Place {
  readonly run: Runner
  readonly start: Start
  readonly folder: string
  readonly name: HostName
}

const tag = `cm${process.pid}`
/** Of its own: the bridges of a machine's first one may pass through its firewall. */
const wireNamespace = `${tag}wire`
const namespaceOf = (host: HostName) => `${tag}${host}`

export const inside = (host: HostName, command: Command): Command => ({
  ...command,
  file: 'nsenter',
  args: [`--net=/run/netns/${namespaceOf(host)}`, '--', command.file, ...command.args],
})

const runnerIn = (host: HostName): Runner => ({
  outcome: (command, options) => run.outcome(inside(host, command), options),
  run: (command, options) => run.run(inside(host, command), options),
})

interface Kind {
  readonly kind: MeshKind
  /** A driver as a daemon that was started anew has it. */
  create(place: Place): Mesh
  breakLink(place: Place): Promise<void>
}

export async function openMeshWorld({
  kind,
  create,
  breakLink,
}: Kind): Promise<MeshWorld & { place: MeshWorld['place']; at(host: HostName): Place }> {
  const folder = await mkdtemp('/var/tmp/cfm')
  const places = new Map(
    hostNames.map((name): [HostName, Place] => [
      name,
      {
        ...{ name, folder: join(folder, name), run: runnerIn(name) },
        start: (command, output) => startDetached(inside(name, command), output),
      },
    ]),
  )
  const at = (host: HostName) => places.get(host) ?? assert.fail(host)
  const meshes = new Map([...places].map(([name, place]) => [name, create(place)]))
  const mesh = (host: HostName) => meshes.get(host) ?? assert.fail(host)
  after(async () => {
    for (const host of hostNames) await mesh(host).down()
    for (const host of hostNames) await run.outcome(ip('netns', 'delete', namespaceOf(host)))
    await run.outcome(ip('netns', 'delete', wireNamespace))
    await rm(folder, { recursive: true, force: true })
  })
  await wire()

  const give = (verb: string, number: number, host: HostName) =>
    Promise.all(
      [`${v4(number)}/32`, `${v6(number)}/128`].map((address) =>
        at(host).run.run(ip('address', verb, address, 'dev', 'lo')),
      ),
    )
  return {
    ...{ kind, wireMtu: 1500, mesh, at },
    endpoint: (host) => `192.0.2.${hostNames.indexOf(host) + 1}:51820`,
    place: async (number, host) => void (await give('replace', number, host)),
    take: async (number, host) => void (await give('delete', number, host)),
    async reaches(host, { from, to, surely }) {
      const until = performance.now() + (surely ? 30_000 : 0)
      // It ends early when a host on the way says that it knows no further.
      const args = ['-q', '-c', '1', '-W', '0.5', '-I', from, to]
      for (;;) {
        const { code } = await at(host).run.outcome({ file: 'ping', args, timeoutMs: 10_000 })
        if (code === 0 || performance.now() > until) return code === 0
      }
    },
    breakLink: (host) => breakLink(at(host)),
  }
}

async function wire(): Promise<void> {
  const onWire = (...args: string[]) => ip('-n', wireNamespace, ...args)
  await run.run(ip('netns', 'add', wireNamespace))
  await run.run(onWire('link', 'add', 'wire', 'type', 'bridge'))
  await run.run(onWire('link', 'set', 'wire', 'up'))
  for (const [index, host] of hostNames.entries()) {
    const namespace = namespaceOf(host)
    await run.run(ip('netns', 'add', namespace))
    await run.run(onWire('link', 'add', host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace))
    await run.run(onWire('link', 'set', host, 'master', 'wire', 'up'))
    for (const words of [
      ['link', 'set', 'lo', 'up'],
      ['link', 'set', 'eth0', 'up'],
      ['address', 'add', `192.0.2.${index + 1}/24`, 'dev', 'eth0'],
    ])
      await run.run(inside(host, ip(...words)))
    const forward = ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']
    await run.run(inside(host, { file: 'sysctl', args: forward, timeoutMs: 10_000 }))
  }
}
