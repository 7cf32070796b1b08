import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFakeVlans } from '../../src/drivers/vlan/fake/index.ts'
import { linesOf, nftText, proxiesOf } from '../../src/drivers/vlan/iproute/wanted.ts'
import { farm, officeOn, vlanContract, web } from './vlan.ts'

const taken = new Set<string>()
const vlans = createFakeVlans({ taken, uplinks: ['eth1'] })
vlanContract('fake', () => ({
  vlans,
  uplink: 'eth1',
  takes: async (address, has) => void (has ? taken.add(address) : taken.delete(address)),
}))

test('table, rules and translation follow from the address', () => {
  const wish = { farm, networks: [officeOn('eth1')] }
  const [four, six] = linesOf(wish)
  assert.deepEqual(four?.routes, [
    '192.0.2.0/24 dev eth1.20 table 20',
    'default via 192.0.2.1 dev eth1.20 table 20',
    'unreachable default table 20 metric 4000000',
  ])
  assert.deepEqual(four?.rules, [
    'priority 20000 from 192.0.2.15 to 10.100.0.0/16 lookup main',
    'priority 20000 from 192.0.2.15 to 10.15.0.0/24 lookup main',
    'priority 20001 from 10.100.0.21 to 192.0.2.0/24 lookup main suppress_prefixlength 31',
    'priority 20001 from 192.0.2.15 lookup main suppress_prefixlength 31',
    'priority 20001 from all iif eth1.20 lookup main suppress_prefixlength 31',
    'priority 20002 from 10.100.0.21 to 192.0.2.0/24 lookup 20',
    'priority 20002 from 192.0.2.15 lookup 20',
    'priority 20002 from all iif eth1.20 lookup 20',
  ])
  assert.equal(six?.rules.length, 7)
  assert.ok(six?.rules.every((rule) => !rule.includes('192.0.2')))
  assert.deepEqual(proxiesOf(wish), ['192.0.2.15 dev eth1.20', '2001:db8:20::15 dev eth1.20'])
  assert.match(nftText(wish), /map shown4 .* elements = \{ "eth1\.20" \. 10\.100\.0\.21 : 192\.0\.2\.15 \}/)
  const unknown = { farm, networks: [officeOn('eth1', { guests: [{ ...web, answers: false }] })] }
  assert.deepEqual(proxiesOf(unknown), [], 'before it is known that nobody has it')
  assert.doesNotMatch(nftText(unknown), /sender .*elements/)
})
