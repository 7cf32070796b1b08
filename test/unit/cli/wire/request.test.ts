import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CroftError } from '../../../../src/api/errors.ts'
import { replyReader } from '../../../../src/cli/wire/reply.ts'
import { createClient, fillPath, RemoteError } from '../../../../src/cli/wire/request.ts'
import { fakeDaemon, listen } from '../fake-daemon.ts'

const answering = (write: (end: (text: string) => void, bytes: (text: string) => void) => void) =>
  listen((socket) => {
    socket.once('data', () =>
      write(
        (text) => socket.end(text),
        (text) => void socket.write(text),
      ),
    )
  })

const code = (wanted: string) => (thrown: unknown) => thrown instanceof CroftError && thrown.code === wanted

test('a request is written whole, with its words escaped in the path', async () => {
  await using daemon = await fakeDaemon(() => ({ value: { ok: true } }))
  const client = createClient(daemon)
  await client.request('restoreSnapshot', {
    params: { guest: 'we/b', snapshot: 'mon?day' },
    query: { wait: 800, dryRun: true, reason: 'a & b', ifRevision: undefined },
    body: { name: 'ü' },
  })
  const [asked] = daemon.asked
  assert.equal(asked?.method, 'POST')
  assert.equal(asked?.path, '/v1/guests/we%2Fb/snapshots/mon%3Fday/restore')
  assert.deepEqual(Object.fromEntries(asked?.query ?? []), { wait: '800', dryRun: '1', reason: 'a & b' })
  assert.deepEqual(asked?.body, { name: 'ü' })
})

test('a word cannot become another path', () => {
  for (const guest of ['', '.', '..']) assert.throws(() => fillPath('/v1/guests/:guest', { guest }), code('USAGE'))
  assert.equal(fillPath('/v1/guests/:guest', { guest: '../x' }), '/v1/guests/..%2Fx')
  assert.equal(fillPath('/v1/guests/:guest', { guest: 'a\r\nb' }), '/v1/guests/a%0D%0Ab')
  assert.equal(fillPath('/v1/guests/:guest', { guest: '\ud800' }), '/v1/guests/%EF%BF%BD')
})

test('an error of the daemon keeps code, hint and operation', async () => {
  const error = { code: 'EXISTS', message: 'web is there', hint: 'croft show web', op: 'op1' }
  for (const value of [{ error }, error]) {
    await using daemon = await fakeDaemon(() => ({ status: 409, value }))
    await assert.rejects(createClient(daemon).request('createGuest', { body: {} }), (thrown) => {
      assert.ok(thrown instanceof RemoteError)
      assert.deepEqual(thrown.toBody(), error)
      return true
    })
  }
})

test('a code that this version does not know counts as FAILED', async () => {
  await using daemon = await fakeDaemon(() => ({ status: 500, value: { code: 'toString', message: 'new' } }))
  await assert.rejects(createClient(daemon).request('listGuests'), code('FAILED'))
})

test('nobody there is UNREACHABLE, with the way to start it', async () => {
  const client = createClient({ socketPath: '/nonexistent/croft.sock' })
  await assert.rejects(client.request('listGuests'), (thrown) => {
    assert.ok(thrown instanceof CroftError)
    assert.equal(thrown.code, 'UNREACHABLE')
    assert.match(thrown.hint ?? '', /(systemctl start croft|croft daemon &).*croft init/)
    return true
  })
})

test('what is no answer is UNREACHABLE, never a crash', async () => {
  const bad: readonly string[] = [
    '',
    'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}',
    'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a"',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}xx',
    'SSH-2.0-OpenSSH\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\noops',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`,
    'HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n{',
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffff\r\n${'z'.repeat(100)}`,
  ]
  for (const text of bad) {
    await using daemon = await answering((end) => end(text))
    const client = createClient({ ...daemon, maxBytes: 1000 })
    await assert.rejects(client.request('listGuests'), code('UNREACHABLE'), JSON.stringify(text.slice(0, 60)))
  }
})

test('silence ends in UNREACHABLE, a raised signal in its reason', async () => {
  await using daemon = await answering(() => {})
  const client = createClient(daemon)
  await assert.rejects(client.request('listGuests', { idleMs: 20 }), code('UNREACHABLE'))
  const reason = new CroftError('TIMEOUT', 'enough')
  await assert.rejects(client.request('listGuests', { signal: AbortSignal.abort(reason) }), code('TIMEOUT'))
})

const whole = {
  sized: 'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"a":"b\u00fcchse"}',
  chunked:
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{"a"\r\nB;x=y\r\n:"b\u00fcchse"}\r\n0\r\ntrailer: x\r\n\r\n',
  untilEnd: 'HTTP/1.0 200 OK\r\n\r\n{"a":"b\u00fcchse"}',
  afterContinue: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"a":"b\u00fcchse"}',
}

test('a reply is the same however its bytes are split', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(whole)), fc.array(fc.nat(200), { maxLength: 12 }), (text, cuts) => {
      const bytes = Buffer.from(text)
      const reader = replyReader({ maxBytes: 1000 })
      const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
      let reply: ReturnType<typeof reader.push>
      for (let index = 1; index < edges.length && !reply; index++) {
        reply = reader.push(bytes.subarray(edges[index - 1], edges[index]))
      }
      reply ??= reader.end()
      assert.equal(reply.status, 200)
      assert.deepEqual(JSON.parse(reply.body), { a: 'b\u00fcchse' })
    }),
  )
})

test('any bytes at all give a reply or a CroftError', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(...Object.values(whole)).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const reader = replyReader({ maxBytes: 100 })
      try {
        for (const each of pieces) if (reader.push(Buffer.from(each))) return
        reader.end()
      } catch (thrown) {
        assert.ok(code('UNREACHABLE')(thrown), String(thrown))
      }
    }),
  )
})
