/** What every firewall driver promises where the farm has several hosts: `beyond` is one of them, with a guest behind it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Firewall } from '../../src/drivers/firewall/driver.ts'
import { compileFirewall, type FirewallGuest } from '../../src/plan/firewall.ts'
import { rule } from './firewall.ts'
import { at, type Place } from './firewall-bench.ts'

export const far = {
  guest: { v4: '10.100.9.7', v6: 'fd12:3456::907' },
  host: { v4: '10.15.0.2', v6: 'fd12:3456::1:2' },
  /** Of the host that the firewall is on. */
  self: { v4: '10.15.0.1', v6: 'fd12:3456::1:1' },
  /** Guest one has it too. */
  shown: { v4: '203.0.113.5', v6: '2001:db8:5::5' },
  /** In the farm's networks, and nobody's. */
  nobody: { v4: '10.100.77.7', v6: 'fd12:3456::4d07' },
} as const
export const everyone = { ...at, ...far }
export type Who = keyof typeof everyone

export interface FarTry {
  readonly from: Place
  readonly source: string
  readonly to: string
  readonly port: number
}

export interface FarWorld {
  readonly firewall: Firewall
  /** Whether a datagram comes to its end. `expected` may shorten the wait, nothing else. */
  comes(attempt: FarTry, expected: boolean): Promise<boolean>
}

const { v4, v6 } = far.guest
const rules = [rule(`allow in ${v4} udp/80`), rule(`allow in ${v6} udp/80`)]
const guest = (number: 1 | 2, more: Partial<FirewallGuest> = {}): FirewallGuest => {
  const { v4: ipv4, v6: ipv6 } = number === 1 ? at.one : at.two
  return { ...{ number, name: `g${number}`, link: `croft${number}`, ipv4, ipv6, ports: [], rules: [] }, ...more }
}
export const farModel = (several: boolean) =>
  compileFirewall({
    guests: [guest(1, { rules, more: Object.values(far.shown) }), guest(2)],
    ...{ prefix4: '10.100.0.0/16', prefix6: 'fd12:3456::/64', uplink: 'up0', several },
    doors: Object.values(at.outside).map((address) => ({ address, ports: [81, 2379] })),
    addressesOf: () => undefined,
  }).model

/** `beyond as guest → one 80` */
const stories = {
  'beyond as guest → one 80': true,
  'beyond as guest → one 81': false,
  'beyond as guest → two 80': false,
  // The edge of another host, and its questions whether an instance is well.
  'beyond as host → two 80': true,
  'beyond as host → one 81': true,
  'beyond as host → self 80': true,
  'beyond as guest → self 80': false,
  'beyond as guest → host 80': false,
  // Who says that he is somebody else, or comes by another way.
  'outside as two → one 80': false,
  'beyond as nobody → one 80': false,
  'outside as guest → one 80': false,
  'outside as host → one 80': false,
  'outside as host → self 80': false,
  'outside as nobody → one 80': false,
  // What leaves.
  'one as one → guest 80': true,
  'one as one → host 80': false,
  'one as shown → guest 80': false,
  'one as one → outside 80': true,
  // The doors of another host on the wire.
  'one as one → outside 81': false,
  'two as two → outside 81': false,
  'host as self → outside 81': true,
  'host as self → two 80': true,
} as const

export function farContract(name: string, world: () => FarWorld): void {
  test(`${name}: hosts of the farm reach guests, guests of other hosts by the rules, and nobody as somebody else`, async () => {
    await world().firewall.reconcile(farModel(true))
    for (const [story, expected] of Object.entries(stories)) {
      const [from, , source, , to, port] = story.split(' ') as [Place, string, Who, string, Who, string]
      for (const family of ['v4', 'v6'] as const) {
        // `host` on the right of an arrow is the other one, for guests here.
        const target = from === 'one' && to === 'host' ? far.host : to === 'host' ? at.host : everyone[to]
        const own = source === 'host' ? far.host : everyone[source]
        const attempt = { from, source: own[family], to: target[family], port: Number(port) }
        assert.equal(await world().comes(attempt, expected), expected, `${story}, ${family}`)
      }
    }
    assert.equal(await world().firewall.intact(), true)
  })

  test(`${name}: with one host nothing of it stands`, async () => {
    assert.equal(farModel(false).mesh, undefined)
    await world().firewall.reconcile(farModel(false))
    const attempt = { from: 'one', source: at.one.v4, to: far.host.v4, port: 80 } as const
    assert.equal(await world().comes(attempt, true), true)
    for (const bad of ['10.15.0.0/24; flush ruleset', 'x'])
      await assert.rejects(
        world().firewall.reconcile({ ...farModel(true), mesh: { prefix4: bad, prefix6: 'fd12::1:0/120', doors: [] } }),
        { code: 'BAD_VALUE' },
      )
    const { mesh } = farModel(true)
    for (const door of [
      { address: '1.2.3.4 accept', ports: [1] },
      { address: '1.2.3.4', ports: [70_000] },
    ])
      await assert.rejects(
        world().firewall.reconcile({ ...farModel(true), mesh: { ...(mesh ?? assert.fail()), doors: [door] } }),
        { code: 'BAD_VALUE' },
      )
  })
}
