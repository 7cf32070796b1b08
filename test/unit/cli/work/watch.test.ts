import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { Guest } from '../../../../src/api/guest.ts'
import { lineReader } from '../../../../src/cli/wire/stream.ts'
import { croft, guest, listen } from '../fake-daemon.ts'

const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'

test('lines are told as they come, however they are cut; a refusal is a reply', () => {
  const whole = Buffer.from(`${head}${chunk('{"a":1}\n{"b"')}${chunk(':"é"}\n\n')}0\r\n\r\n`)
  for (const size of [1, 2, 3, 7, 1000]) {
    const lines: string[] = []
    const reader = lineReader((line) => lines.push(line))
    let end: unknown
    for (let from = 0; from < whole.length; from += size) end = reader.push(whole.subarray(from, from + size)) ?? end
    assert.deepEqual([lines, end], [['{"a":1}', '{"b":"é"}'], 'ended'], `in pieces of ${size}`)
  }
  const refused = lineReader(() => assert.fail()).push(Buffer.from('HTTP/1.1 410 Gone\r\ncontent-length: 2\r\n\r\n{}'))
  assert.ok(typeof refused === 'object' && refused.status === 410)
  const cut = lineReader(() => {})
  cut.push(Buffer.from(head))
  assert.throws(() => cut.end(), /amid its answer/)
  const endless = lineReader(() => {})
  endless.push(Buffer.from(head))
  const megabyte = Buffer.from(chunk('x'.repeat(1024 ** 2)))
  assert.throws(() => {
    for (let count = 0; count < 6; count++) endless.push(megabyte)
  }, /a line without end/)
})

/** A daemon whose guests change each time that they are listed, until there is nothing more to see. */
async function changing(states: readonly (readonly Guest[])[], ended: () => void) {
  let asked = 0
  const streams = new Set<Socket>()
  const daemon = await listen((socket) => {
    socket.on('data', (bytes: Buffer) => {
      if (bytes.toString().startsWith('GET /v1/events')) {
        streams.add(socket)
        return socket.write(`${head}${chunk('{"cursor":"s:1"}\n')}`)
      }
      const value = states[Math.min(asked++, states.length - 1)]
      if (asked > states.length + 1) ended()
      const text = JSON.stringify(value)
      return socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
    })
  })
  return { socketPath: daemon.socketPath, streams, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() }
}

const states = [
  [guest('web'), guest('pg')],
  [guest('web', { state: 'stopped' }), guest('pg')],
  [guest('web', { state: 'stopped' })],
]

const watched = (...words: string[]) => watchedOf(states, ...words)

async function watchedOf(seen: typeof states, ...words: string[]) {
  let interrupt = () => {}
  await using daemon = await changing(seen, () => interrupt())
  return await croft(words, {
    socketPath: daemon.socketPath,
    onInterruptible: (press) => {
      interrupt = press
    },
  })
}

test('ls -w with JSON: first all, then an object for each change', async () => {
  for (const words of [['--json=name,status.state'], ['-o', 'jsonl', '--json=name,status.state']]) {
    const { code, out } = await watched('ls', '-w', ...words)
    assert.equal(code, 0)
    assert.deepEqual(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
      [
        { name: 'web', 'status.state': 'running' },
        { name: 'pg', 'status.state': 'running' },
        { name: 'web', 'status.state': 'stopped' },
        { name: 'pg', removed: true },
      ],
    )
  }
})

test('ls -w into a pipe: the head once, a row for each change, and on stderr what is gone', async () => {
  const { out, err } = await watched('ls', '-w', '-c', 'name,state')
  assert.deepEqual(
    out
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/).join(' ')),
    ['NAME STATE', 'web ● running', 'pg ● running', 'web ○ stopped'],
  )
  assert.equal(err, 'pg is gone\n')
  assert.equal((await watched('ls', '-w', '-q')).out, 'web\npg\nweb\n')
})

test('ls -w into a pipe: columns stand below each other, whatever a row says', async () => {
  const { out } = await watchedOf([[guest('web'), guest('a-longer-name')]], 'ls', '-w', '-c', 'name,state')
  const [, web = '', longer = ''] = out.split('\n')
  assert.deepEqual([web.indexOf('●'), longer.indexOf('●')], [15, 15])
})

test('a daemon that is not there at the first look is an error, as without -w', async () => {
  const { code, err } = await croft(['ls', '-w'])
  assert.equal(code, 7)
  assert.match(err, /the daemon does not run/)
})
