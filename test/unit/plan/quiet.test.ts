import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quietScript } from '../../../src/plan/quiet.ts'

test('what the base started itself is left, the rest is asked for by its package', () => {
  const script = quietScript(['postgresql', 'g++'])
  assert.match(script, /^#!\/bin\/sh -e\n/)
  assert.match(script, /case " systemd .* openssh-server postgresql g\+\+ " in \*" \$package "\*\) continue/)
  assert.match(script, /"\*\/systemd\/system\/\$\{unit##\*\/\}"/)
})
