/** What every firewall driver promises. Packets are sent by the world that the driver stands in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rule } from '../../src/api/guest.ts'
import type { Firewall, FirewallModel } from '../../src/drivers/firewall/driver.ts'
import { compileFirewall, type FirewallGuest } from '../../src/plan/firewall.ts'
import { at, type Place } from './firewall-bench.ts'

export interface Try {
  readonly from: Place
  /** An address; or the name of a place: its address of each family. */
  readonly to: string
  readonly protocol?: 'tcp' | 'udp' | 'echo'
  readonly port?: number
}

export interface World {
  readonly firewall: Firewall
  /** Where the connection ended: at that place, or nowhere. `expected` may shorten the wait, nothing else. */
  reach(attempt: Try, expected: Place | undefined): Promise<Place | undefined>
  /** As a foreign hand does: our tables are gone. */
  wipe(): Promise<void>
}

/** `allow in two tcp/80` */
export function rule(text: string, log = false): Rule {
  const [action, direction, peer = '', service = ''] = text.split(' ')
  const [protocol, ports] = service.split('/')
  const [from, to = from] = (ports ?? '').split('-')
  return {
    action: action === 'allow' ? 'allow' : 'deny',
    direction: direction === 'in' ? 'in' : 'out',
    peer,
    service: {
      protocol: protocol === 'tcp' || protocol === 'udp' || protocol === 'icmp' ? protocol : 'any',
      ...(from ? { from: Number(from), to: Number(to) } : {}),
    },
    log,
  }
}

interface Sketch {
  readonly rules?: readonly (string | Rule)[]
  readonly ports?: FirewallGuest['ports']
  readonly netRate?: number
}

export function modelOf(sketches: { readonly one?: Sketch; readonly two?: Sketch }): FirewallModel {
  const guests = (['one', 'two'] as const).flatMap((name, i): FirewallGuest[] => {
    const sketch = sketches[name]
    if (!sketch) return []
    const rules = (sketch.rules ?? []).map((text) => (typeof text === 'string' ? rule(text) : text))
    const rate = sketch.netRate === undefined ? {} : { rateIn: sketch.netRate, rateOut: sketch.netRate }
    const { v4: ipv4, v6: ipv6 } = at[name]
    return [{ number: i + 1, name, link: `croft${i + 1}`, ipv4, ipv6, ports: sketch.ports ?? [], rules, ...rate }]
  })
  const addressesOf = (name: string) => (name === 'one' || name === 'two' ? [at[name].v4, at[name].v6] : undefined)
  const prefixes = { prefix4: '10.100.0.0/16', prefix6: 'fd12:3456::/64' }
  return compileFirewall({ guests, ...prefixes, uplink: 'up0', addressesOf }).model
}

/** `one → two tcp/80`, `outside → 192.0.2.1 udp/8080`, `one → host echo`. */
export async function expectAll(world: World, ends: Readonly<Record<string, Place | 'nowhere'>>): Promise<void> {
  await Promise.all(
    Object.entries(ends).map(async ([line, end]) => {
      const [from, , to = '', service = ''] = line.split(' ')
      const [protocol, port] = service.split('/')
      const place = to in at ? at[to as keyof typeof at] : undefined
      for (const address of place ? [place.v4, place.v6] : [to]) {
        const attempt = { from: from as Place, to: address, protocol: protocol as 'tcp', port: Number(port ?? 0) }
        const expected = end === 'nowhere' ? undefined : end
        assert.equal(await world.reach(attempt, expected), expected, `${from} → ${address} ${service}`)
      }
    }),
  )
}

export function firewallContract(name: string, world: () => World): void {
  const apply = (sketches: Parameters<typeof modelOf>[0]) => world().firewall.reconcile(modelOf(sketches))
  const door = { protocol: 'tcp', hostPort: 8080, guestPort: 80 } as const

  test(`${name}: guests reach out, and nobody reaches them or the host unasked`, async () => {
    await apply({ one: {}, two: {} })
    await expectAll(world(), {
      'one → outside tcp/80': 'outside',
      'one → outside udp/80': 'outside',
      'one → outside echo': 'outside',
      'one → two tcp/80': 'nowhere',
      'one → two udp/80': 'nowhere',
      'outside → one tcp/80': 'nowhere',
      'outside → one udp/80': 'nowhere',
      'one → host tcp/80': 'nowhere',
      'one → host udp/80': 'nowhere',
      'one → 169.254.0.1 tcp/80': 'nowhere',
      'host → one tcp/80': 'one',
    })
  })

  test(`${name}: an echo request is answered by guests and host without a rule`, async () => {
    await apply({ one: {}, two: {} })
    await expectAll(world(), { 'one → two echo': 'two', 'outside → one echo': 'one', 'one → host echo': 'host' })
  })

  test(`${name}: a guest that the model does not hold passes nothing`, async () => {
    await apply({ one: { rules: ['allow in any any'] } })
    await expectAll(world(), {
      'two → outside tcp/80': 'nowhere',
      'two → one tcp/80': 'nowhere',
      'two → host echo': 'nowhere',
      'outside → two tcp/80': 'nowhere',
      'outside → one tcp/80': 'one',
    })
  })

  test(`${name}: a published port is open from everywhere, on every address of the host`, async () => {
    await apply({ one: { ports: [door, { ...door, protocol: 'udp' }] }, two: {} })
    await expectAll(world(), {
      'outside → host tcp/8080': 'one',
      'outside → host udp/8080': 'one',
      'two → host tcp/8080': 'one',
      'one → host tcp/8080': 'one',
      'two → 169.254.0.1 tcp/8080': 'one',
      'host → host tcp/8080': 'one',
      'host → 127.0.0.1 tcp/8080': 'one',
    })
  })

  test(`${name}: a published port takes nothing that goes to another machine`, async () => {
    await apply({ one: { ports: [door] }, two: {} })
    await expectAll(world(), { 'outside → beyond tcp/8080': 'beyond', 'two → outside tcp/8080': 'outside' })
  })

  test(`${name}: a port published on one address is open on that alone`, async () => {
    await apply({
      one: { ports: [{ ...door, address: at.host.v4 }] },
      two: { ports: [{ ...door, address: at.host.v6 }] },
    })
    await expectAll(world(), {
      [`outside → ${at.host.v4} tcp/8080`]: 'one',
      [`outside → ${at.host.v6} tcp/8080`]: 'two',
    })
  })

  test(`${name}: allow opens what it names, for whom it names`, async () => {
    await apply({ one: { rules: ['allow in two tcp/80', 'allow in any udp/81-82'] }, two: {} })
    await expectAll(world(), {
      'two → one tcp/80': 'one',
      'two → one tcp/81': 'nowhere',
      'outside → one tcp/80': 'nowhere',
      'two → one udp/81': 'one',
      'outside → one udp/82': 'one',
      'outside → one udp/80': 'nowhere',
    })
  })

  test(`${name}: networks and any service`, async () => {
    await apply({ one: { rules: ['allow in 192.0.2.0/24 any', 'allow in 2001:db8:1::/64 any'] }, two: {} })
    await expectAll(world(), {
      'outside → one tcp/81': 'one',
      'outside → one udp/80': 'one',
      'beyond → one tcp/81': 'nowhere',
      'two → one tcp/81': 'nowhere',
    })
  })

  test(`${name}: deny beats allow, whichever stands first, and published ports and echo too`, async () => {
    const rules = ['allow in any tcp', 'deny in any icmp', 'deny out any udp/82']
    const outside = [`deny in ${at.outside.v4} tcp/80-81`, `deny in ${at.outside.v6} tcp/80-81`]
    await apply({ one: { rules: [...outside, ...rules], ports: [door] }, two: {} })
    await expectAll(world(), {
      'two → one tcp/81': 'one',
      'outside → one tcp/81': 'nowhere',
      'outside → one tcp/82': 'one',
      'outside → host tcp/8080': 'nowhere',
      'two → host tcp/8080': 'one',
      'outside → one echo': 'nowhere',
      'two → one echo': 'nowhere',
      'one → outside udp/82': 'nowhere',
      'one → outside udp/81': 'outside',
    })
  })

  test(`${name}: the first allowed way out makes a list of all ways out`, async () => {
    const rules = [`allow out ${at.outside.v4} tcp/80`, `allow out ${at.outside.v6} tcp/80`, 'allow out two any']
    await apply({ one: { rules }, two: { rules: ['allow in one tcp/80'] } })
    await expectAll(world(), {
      'one → outside tcp/80': 'outside',
      'one → outside tcp/81': 'nowhere',
      'one → outside echo': 'nowhere',
      'one → beyond tcp/80': 'nowhere',
      'one → two tcp/80': 'two',
      'one → two tcp/81': 'nowhere',
      'two → outside tcp/81': 'outside',
    })
  })

  test(`${name}: the name servers are the one service of the host, also for who has a list; a deny closes them`, async () => {
    const rules = ['allow out any tcp/80', 'allow out 169.254.0.1 udp/53']
    await apply({ one: { rules }, two: { rules: ['deny out 169.254.0.1 udp/53'] } })
    await expectAll(world(), {
      'one → 169.254.0.1 udp/53': 'host',
      'one → 169.254.0.1 tcp/53': 'host',
      'one → 169.254.0.1 tcp/80': 'nowhere',
      'one → 192.0.2.1 udp/53': 'nowhere',
      'two → 169.254.0.1 tcp/53': 'host',
      'two → 169.254.0.1 udp/53': 'nowhere',
      'two → 192.0.2.1 tcp/53': 'nowhere',
    })
    await apply({ one: { ports: [{ ...door, hostPort: 53 }] }, two: {} })
    await expectAll(world(), { 'two → 169.254.0.1 tcp/53': 'host', 'two → host tcp/53': 'one' })
  })

  test(`${name}: guests reach the edge's ports of the host, where their own rules let them`, async () => {
    const hostPorts = [80]
    await world().firewall.reconcile({ ...modelOf({ one: {}, two: { rules: ['deny out any tcp/80'] } }), hostPorts })
    await expectAll(world(), {
      'one → host tcp/80': 'host',
      'one → host tcp/8080': 'nowhere',
      'one → host udp/80': 'nowhere',
      'two → host tcp/80': 'nowhere',
    })
    // Who is denied the host by its addresses, as a build is, has no other way there.
    await expectAll(world(), { 'one → 169.254.0.1 tcp/80': 'nowhere', 'one → 169.254.0.1 udp/53': 'host' })
    const listed = modelOf({ one: { rules: ['allow out any udp/53'] }, two: { rules: ['allow out any tcp/80'] } })
    await world().firewall.reconcile({ ...listed, hostPorts })
    await expectAll(world(), { 'one → host tcp/80': 'nowhere', 'two → host tcp/80': 'host' })
    await expectAll(world(), { 'two → 169.254.0.1 tcp/80': 'nowhere' })
    await world().firewall.reconcile(listed)
    await expectAll(world(), { 'two → host tcp/80': 'nowhere' })
    assert.ok(await world().firewall.intact())
  })

  test(`${name}: counters tell which rule was met`, async () => {
    const rules = ['allow in any tcp/80', 'deny in any tcp/81', 'allow in any udp', 'allow out any any']
    await apply({ one: { rules }, two: {} })
    const before = await world().firewall.counters()
    await expectAll(world(), { 'two → one tcp/80': 'one', 'two → one tcp/81': 'nowhere' })
    await expectAll(world(), { 'one → outside tcp/80': 'outside' })
    const after = await world().firewall.counters()
    const hit = (index: number) => (after.get(`1/${index}`) ?? 0) > (before.get(`1/${index}`) ?? 0)
    assert.deepEqual([0, 1, 2, 3].map(hit), [true, true, false, true])
  })

  test(`${name}: told twice, it does nothing the second time; wiped, it says so and mends`, async () => {
    const model = modelOf({ one: { rules: ['allow in two tcp/80'], netRate: 1_000_000, ports: [door] }, two: {} })
    await world().firewall.reconcile(model)
    assert.equal(await world().firewall.intact(), true)
    await world().firewall.reconcile(model)
    assert.equal(await world().firewall.intact(), true)
    await world().wipe()
    assert.equal(await world().firewall.intact(), false)
    await world().firewall.reconcile(model)
    assert.equal(await world().firewall.intact(), true)
    await expectAll(world(), { 'two → one tcp/80': 'one', 'two → one tcp/81': 'nowhere' })
  })

  test(`${name}: a malformed value is refused before anything changes`, async () => {
    const good = modelOf({ one: {}, two: {} })
    await world().firewall.reconcile(good)
    const [one] = good.guests
    assert.ok(one)
    const wrong = [
      { link: 'eth0' },
      { link: 'croft1"; flush ruleset' },
      { link: 'croft1\n' },
      { ipv4: '10.100.0.1 }; flush ruleset' },
      { ipv4: 'fd12::1' },
      { ipv6: 'fe80::1%eth0' },
      { number: 1.5 },
      { rateIn: 0 },
      { rateOut: Number.NaN },
      { more: ['203.0.113.0/24'] },
      { more: ['198.51.100.7 }; flush ruleset'] },
      { more: ['203.0.113.7', '203.0.113.7'] },
      { ports: [{ ...door, hostPort: 70_000 }] },
      { ports: [{ ...door, address: 'example.org' }] },
      { ports: [door, door] },
      { rules: [{ ...ruleOne, peers: ['two'] }] },
      { rules: [{ ...ruleOne, index: -1 }] },
      { rules: [{ ...ruleOne, service: { protocol: 'icmp', from: 1, to: 2 } as const }] },
      { rules: [{ ...ruleOne, service: { protocol: 'tcp', from: 9, to: 2 } as const }] },
    ]
    for (const values of wrong) {
      const bad = { ...good, guests: [{ ...one, ...values }] }
      await assert.rejects(world().firewall.reconcile(bad), { code: 'BAD_VALUE' }, JSON.stringify(values))
    }
    await assert.rejects(world().firewall.reconcile({ ...good, prefix4: '10.0.0.0/8; }' }), { code: 'BAD_VALUE' })
    await assert.rejects(world().firewall.reconcile({ ...good, guests: [one, one] }), { code: 'BAD_VALUE' })
    assert.equal(await world().firewall.intact(), true)
  })

  const ruleOne = {
    index: 0,
    action: 'allow',
    direction: 'in',
    peers: ['::/0'],
    service: { protocol: 'any' },
    log: false,
  } as const
}
