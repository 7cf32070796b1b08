import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trialsIn } from '../../../src/daemon/settings.ts'

test('a daemon that runs with what is for trying it out says so, and no other one does', () => {
  assert.deepEqual(trialsIn({ CROFT_STATE: '/var/lib/croft', CROFT_PRETEND: '' }), [])
  assert.deepEqual(trialsIn({ CROFT_PRETEND: '0.0.9:carry', CROFT_VLAN_LINK: 'macvlan' }), [
    'CROFT_PRETEND',
    'CROFT_VLAN_LINK',
  ])
})
