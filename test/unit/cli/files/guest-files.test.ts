import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guestPath } from '../../../../src/cli/files/guest-files.ts'

test('a place in a guest', () => {
  assert.deepEqual(guestPath('web:/srv/'), { guest: 'web', path: '/srv', folder: true })
  assert.deepEqual(guestPath('web:/'), { guest: 'web', path: '/', folder: true })
  for (const word of ['web', 'web:srv', ':/srv', '/srv', 'debian:12', 'web@one'])
    assert.equal(guestPath(word), undefined, word)
})
