import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { NewNetwork } from '../../../src/api/network.ts'
import { assertApart, memberAddress, nextAddresses, type SiteNetwork, subnetsOf } from '../../../src/plan/networks.ts'

const office: SiteNetwork = {
  ...{ name: 'office', vlan: 20, uplink: 'eth1' },
  subnets: subnetsOf(['192.0.2.0/24', '2001:DB8:20::/64'], ['192.0.2.1']),
}
const refused = (code: 'BAD_VALUE' | 'EXISTS') => (thrown: unknown) => isCode(thrown, code)

test('subnets are told in one spelling, each with the gateway that is in it', () => {
  assert.deepEqual(office.subnets, [{ subnet: '192.0.2.0/24', gateway: '192.0.2.1' }, { subnet: '2001:db8:20::/64' }])
  for (const [subnets, gateways] of [
    [['192.0.2.7/24'], []],
    [['192.0.2.0/31'], []],
    [['10.0.0.0/8'], []],
    [['0.0.0.0/0'], []],
    [['::/0'], []],
    [['224.0.0.0/16'], []],
    [['169.254.0.0/24'], []],
    [['fe80::/64'], []],
    [['192.0.2.0/24', '198.51.100.0/24'], []],
    [['192.0.2.0/24'], ['198.51.100.1']],
    [['192.0.2.0/24'], ['192.0.2.0']],
    [['192.0.2.0/24'], ['192.0.2.255']],
    [['192.0.2.0/24'], ['192.0.2.1', '192.0.2.2']],
    [['192.0.2.0-192.0.2.255'], []],
  ] as const)
    assert.throws(() => subnetsOf(subnets, gateways), refused('BAD_VALUE'), subnets.join())
})

test('one VLAN and one range of addresses lead to one network', () => {
  const farm = ['10.100.0.0/16', 'fd12::/64', '10.20.0.11/24', '203.0.113.9'].map((range) => ({
    range,
    whose: 'theirs',
  }))
  const lab = (more: Partial<SiteNetwork>): SiteNetwork => ({ ...office, name: 'lab', vlan: 30, ...more })
  const other = subnetsOf(['198.51.100.0/25'])
  assertApart(lab({ subnets: other }), [office], farm)
  assertApart({ ...office, subnets: other }, [office], farm)
  for (const clash of [
    lab({ vlan: 20, subnets: other }),
    lab({ subnets: subnetsOf(['192.0.2.128/25']) }),
    lab({ subnets: subnetsOf(['192.0.0.0/16']) }),
    lab({ subnets: subnetsOf(['10.100.4.0/24']) }),
    lab({ subnets: subnetsOf(['fd12::/80']) }),
    lab({ subnets: subnetsOf(['10.20.0.128/25']) }),
    lab({ subnets: subnetsOf(['203.0.113.8/29']) }),
  ])
    assert.throws(() => assertApart(clash, [office], farm), refused('EXISTS'))
})

test('the next address is the lowest that nobody has; what is no guest’s is refused', () => {
  assert.deepEqual(
    nextAddresses(office, () => false),
    ['192.0.2.2', '2001:db8:20::1'],
  )
  const taken = new Set(['192.0.2.2', '192.0.2.3', '2001:db8:20::1'])
  assert.deepEqual(
    nextAddresses(office, (address) => taken.has(address)),
    ['192.0.2.4', '2001:db8:20::2'],
  )
  const small = { ...office, subnets: subnetsOf(['192.0.2.4/30'], ['192.0.2.5']) }
  assert.deepEqual(
    nextAddresses(small, (address) => address === '192.0.2.6'),
    [undefined],
  )
  assert.equal(memberAddress(office, '2001:DB8:20:0::f'), '2001:db8:20::f')
  assert.throws(() => memberAddress(office, '192.0.2.1'), refused('EXISTS'))
  for (const address of [
    '192.0.2.0',
    '192.0.2.255',
    '198.51.100.1',
    '2001:db8:20::',
    '192.0.2.2/32 x',
    '',
    'fe80::1%eth0',
  ])
    assert.throws(() => memberAddress(office, address), refused('BAD_VALUE'), address)
})

test('what people type is a number, a device and networks, or it is refused', () => {
  const typed = { name: 'office', vlan: '20', uplink: 'eth1', subnet: '192.0.2.0/24,2001:db8::/64', mtu: '1496' }
  const { vlan, subnet, mtu } = NewNetwork.parse(typed)
  assert.deepEqual([vlan, subnet, mtu], [20, ['192.0.2.0/24', '2001:db8::/64'], 1496])
  for (const wrong of [
    ...['0', '4095', '254', '20; id', '-1', '2e1.5'].map((each) => ({ vlan: each })),
    ...['', '-o', 'eth1.5', '../eth1', 'eth1 up', 'eth1\n', 'lo', 'croft7', 'mesh0', 'all', 'default'].map((each) => ({
      uplink: each,
    })),
    ...['', '192.0.2.7', '192.0.2.0/24,', '192.0.2.0/24\n', '$(id)/24', '1.1.1.0/24,2.2.2.0/24,3.3.3.0/24'].map(
      (each) => ({ subnet: each }),
    ),
    ...['default', 'any', '-x', 'Office', 'a b', 'a/b', '\u202e', 'x'.repeat(32)].map((each) => ({ name: each })),
    ...['1279', '9217', 'x'].map((each) => ({ mtu: each })),
    { gateway: '192.0.2.1/24' },
    { more: 1 },
  ])
    assert.ok(!NewNetwork.safeParse({ ...typed, ...wrong }).success, JSON.stringify(wrong))
})
