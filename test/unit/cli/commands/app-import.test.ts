/** `croft app import`: text to stdout, notes to stderr, no daemon. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { croft } from '../fake-daemon.ts'

test('a file of another tool becomes croft.toml, without a daemon', async () => {
  const files = { '/x/shop.conf': 'PORT=8080\nCONTAINER=none\nAPP_OPTS=-jar x.jar\nOOM_EMAIL=a@b\n' }
  const ran = await croft(['app', 'import', '/x/shop.conf'], { files })
  assert.equal(ran.code, 0, ran.err)
  assert.match(ran.out, /^# Taken over from shop\.conf.*\n\n\[app\]\nname = "shop"\nplatform = "plain"\n/)
  assert.match(ran.out, /command = "java -jar x\.jar"\nport = 8080\n/)
  assert.match(ran.err, /! OOM_EMAIL has no like/)
  assert.match((await croft(['app', 'import', '/x/shop.conf', 'other'], { files })).out, /name = "other"/)
  const missing = await croft(['app', 'import', '/x/none'], { files })
  assert.deepEqual([missing.code, missing.out], [2, ''])
})
