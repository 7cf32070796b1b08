/** Who pins the farm's CA speaks to its hosts alone: the edge and clients have keys that the same CA signed. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createServer } from 'node:tls'
import { isCode } from '../../../src/api/errors.ts'
import { speak } from '../../../src/cli/wire/line.ts'
import { fetchAuthority, lineTo } from '../../../src/cli/wire/remote.ts'
import { systemEnv } from '../../../src/daemon/env.ts'
import { dial } from '../../../src/daemon/join/dial.ts'
import { openAuthority } from '../../../src/daemon/pki/authority.ts'
import { createRunner } from '../../../src/drivers/exec/runner.ts'

const folder = await mkdtemp(join(tmpdir(), 'croft-pinned-'))
after(() => rm(folder, { recursive: true, force: true }))
const names = () => ['127.0.0.1', 'localhost']
const authority = await openAuthority({
  env: systemEnv,
  run: createRunner(),
  folder,
  farm: 'meadow',
  host: 'ash',
  names,
})
await authority.refresh()
const fingerprint = authority.fingerprint()
const { key, cert, ca } = authority.material()
const edge = await authority.issueEdge(names())
const client = await authority.issueClient('lark', Date.now() + 3600_000)
const answer = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'

/** A place that shows this, and what it was told there. */
async function placeWith(shown: { readonly key: string; readonly cert: string }) {
  const heard: string[] = []
  const server = createServer({ ...shown, minVersion: 'TLSv1.3' }, (socket) =>
    socket
      .on('error', () => {})
      .on('data', (said) => {
        heard.push(String(said))
        socket.end(answer)
      }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { address, heard, [Symbol.dispose]: () => void server.close() }
}

/** As every command does. */
function say(address: string): Promise<string> {
  const line = lineTo({ farm: 'meadow', address, ca, token: 'croft_lark_x' })
  return new Promise((resolve, reject) => {
    const socket = speak(line, Buffer.from(line.heads.join('')), {
      idleMs: 5000,
      onData: (chunk) => resolve(String(chunk)),
      onEnd: () => socket.destroy(),
      onFailure: reject,
    })
  })
}

const joinSecret = 'mG7_'.padEnd(43, 'x')

test('a host of the farm is spoken to, under whichever name', async () => {
  using host = await placeWith({ key, cert })
  assert.equal((await fetchAuthority(host.address, fingerprint)).fingerprint, fingerprint)
  assert.equal(await say(host.address), answer)
  const dialled = await dial({ address: host.address, secret: joinSecret, fingerprint })
  assert.deepEqual(await dialled.ask('getInvitation'), {})
  assert.equal(host.heard.length, 2)
})

test('the edge and a client of the same farm are not told the token, nor the invitation', async () => {
  const towardsCa = cert.slice(cert.indexOf('-----END CERTIFICATE-----\n') + '-----END CERTIFICATE-----\n'.length)
  for (const shown of [
    { key: edge.key, cert: edge.certificate },
    { key: client.key, cert: `${client.certificate}${towardsCa}` },
  ]) {
    using place = await placeWith(shown)
    await assert.rejects(
      say(place.address),
      (thrown) => isCode(thrown, 'REFUSED') && /nothing was sent/.test(String(thrown)),
    )
    const dialled = await dial({ address: place.address, secret: joinSecret, fingerprint })
    await assert.rejects(
      dialled.ask('getInvitation'),
      (thrown) => isCode(thrown, 'REFUSED') && /nothing was said to it/.test(String(thrown)),
    )
    assert.deepEqual(place.heard, [])
  }
})
