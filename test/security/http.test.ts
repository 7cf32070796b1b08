/** Malformed, oversized and random requests: the daemon stays up, answers the next one, and keeps its size. */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { errorTable } from '../../src/api/errors.ts'
import type { Io } from '../../src/cli/io.ts'
import { runCli } from '../../src/cli/run.ts'
import { readerSocketOf } from '../../src/daemon/http/doors.ts'
import { chance, exchange, mutate, open } from './raw.ts'
import { useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
const pid = farm.daemonPid
const request = (line: string, headers: readonly string[] = [], body: string | Buffer = ''): Buffer =>
  Buffer.concat([Buffer.from([line, 'host: croft', ...headers, '', ''].join('\r\n'), 'latin1'), Buffer.from(body)])
const json = (body: string | Buffer, type = 'application/json'): Buffer =>
  request(
    'POST /v1/guests HTTP/1.1',
    [`content-type: ${type}`, `content-length: ${Buffer.byteLength(body)}`, 'connection: close'],
    body,
  )

async function assertWell(after: string): Promise<void> {
  assert.equal((await farm.api('GET', '/v1/guests')).text, '[]', after)
  assert.equal(farm.daemonPid, pid)
  assert.ok(readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('daemon'), after)
}

/** What came back is nothing, or answers with JSON of ours in each. */
function assertRefused(said: string, what: string): void {
  for (const answer of said.split(/(?=HTTP\/1\.1 \d{3} )/).filter((part) => part !== '')) {
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])
    assert.ok(status >= 400 && status < 500, `${what}: ${answer.slice(0, 300)}`)
    const { code, message } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as {
      code: string
      message: string
    }
    assert.ok(Object.hasOwn(errorTable, code), `${what}: ${answer.slice(0, 300)}`)
    assert.match(message, /^[^\p{C}\p{Zl}\p{Zp}]{1,500}$/u, what)
  }
}

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const chunked = ['transfer-encoding: chunked', 'content-type: application/json', 'connection: close']
const malformed: readonly (readonly [string, readonly (string | Buffer)[]])[] = [
  ['no request line', ['\r\n\r\n\r\n']],
  ['noise', [Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 7919) % 256))]],
  ['a TLS hello', [Buffer.from('160301020001', 'hex'), '\0'.repeat(600)]],
  ['a method that is none', [request('BREW /v1/guests HTTP/1.1')]],
  ['a version that is none', [request('GET /v1/guests HTTP/9.9')]],
  ['no path', [request('GET  HTTP/1.1')]],
  ['a control character in the path', [request('GET /v1/\x01\x1b HTTP/1.1')]],
  ['a path beyond the root', [request('GET /../../etc/passwd HTTP/1.1', ['connection: close'])]],
  ['a path that is no UTF-8', [request('GET /v1/guests/%ff%fe HTTP/1.1', ['connection: close'])]],
  ['half an escape', [request('GET /v1/guests/%e HTTP/1.1', ['connection: close'])]],
  ['a whole URL', [request('GET http://evil/v1/guests/x HTTP/1.1', ['connection: close'])]],
  ['a tunnel', [request('CONNECT evil:80 HTTP/1.1', ['connection: close'])]],
  [
    'an upgrade that is not offered',
    [request('GET /v1/nothing HTTP/1.1', ['connection: upgrade', 'upgrade: websocket'])],
  ],
  ['headers of 1 MB', [request('GET /v1/guests HTTP/1.1', [`x: ${'a'.repeat(1024 ** 2)}`])]],
  [
    '10,000 headers',
    [
      request(
        'GET /v1/guests HTTP/1.1',
        Array.from({ length: 10_000 }, (_, at) => `x${at}: y`),
      ),
    ],
  ],
  ['a path of 1 MB', [request(`GET /${'a'.repeat(1024 ** 2)} HTTP/1.1`)]],
  ['two lengths', [request('POST /v1/guests HTTP/1.1', ['content-length: 2', 'content-length: 3'], '{}')]],
  ['a length below zero', [request('POST /v1/guests HTTP/1.1', ['content-length: -1'], '{}')]],
  ['a length and chunks', [request('POST /v1/guests HTTP/1.1', [...chunked, 'content-length: 2'], '0\r\n\r\n')]],
  ['a chunk that lies', [request('POST /v1/guests HTTP/1.1', chunked, 'ffffffffffffffff\r\n{}\r\n0\r\n\r\n')]],
  ['a chunk that is no number', [request('POST /v1/guests HTTP/1.1', chunked, 'zz\r\n{}\r\n0\r\n\r\n')]],
  ['10 MB of body', [json(`"${'a'.repeat(10 * 1024 ** 2)}"`)]],
  [
    '10 MB in chunks',
    [
      request('POST /v1/guests HTTP/1.1', chunked),
      ...Array.from({ length: 160 }, () => `10000\r\n${'a'.repeat(65_536)}\r\n`),
      '0\r\n\r\n',
    ],
  ],
  ['JSON that is none', [json('{"name":')]],
  ['JSON that is no UTF-8', [json(Buffer.from('{"name":"\xff\xfe"}', 'latin1'))]],
  ['JSON with a zero byte', [json('{"name":"a\0b"}')]],
  ['deep JSON', [json(deep(200_000))]],
  ['deep JSON in a field', [json(`{"name":${deep(100_000)}}`)]],
  ['keys said twice', [json('{"name":"shop","name":"../x","template":"nope:1","template":"nope:1"}')]],
  ['a prototype', [json('{"__proto__":{"name":"shop"},"template":"nope:1"}')]],
  ['a constructor', [json('{"constructor":{"prototype":{"x":1}},"name":"shop","template":"nope:1"}')]],
  ['a form', [json('name=shop&template=nope', 'application/x-www-form-urlencoded')]],
  ['XML', [json('<a/>', 'text/xml')]],
  ['a type that is none', [json('{}', '\x1b[31m;;;')]],
  ['a type that runs backwards', [json('{}', `application/json; charset=${'a;'.repeat(3000)}`)]],
  [
    'another encoding',
    [
      request(
        'POST /v1/guests HTTP/1.1',
        ['content-type: application/json', 'content-encoding: gzip', 'content-length: 2', 'connection: close'],
        '{}',
      ),
    ],
  ],
  ['no type', [request('POST /v1/guests HTTP/1.1', ['content-length: 2', 'connection: close'], '{}')]],
  ['an empty body of a type', [json('')]],
  ['garbage behind a request', [json('{}'), '\x00\x01garbage\r\n\r\n']],
  [
    'a body on a DELETE without one',
    [
      request(
        'DELETE /v1/guests/shop HTTP/1.1',
        ['content-type: application/json', 'content-length: 3', 'connection: close'],
        '{}}',
      ),
    ],
  ],
]

test('each malformed request is refused in our words, and the next one is answered', async () => {
  for (const [what, parts] of malformed) {
    const doors = [farm.socket, readerSocketOf(farm.socket)]
    for (const said of await Promise.all(doors.map((door) => exchange(door, parts)))) assertRefused(said, what)
    await assertWell(what)
  }
})

test('those who never finish do not keep others from being answered', async () => {
  const begun = [
    'G',
    'GET /v1/gue',
    'GET /v1/guests HTTP/1.1\r\nx: ',
    'POST /v1/guests HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{',
  ]
  const slow = await Promise.all(Array.from({ length: 200 }, () => open(farm.socket)))
  for (const [at, socket] of slow.entries()) socket.on('error', () => undefined).write(begun[at % begun.length] ?? '')
  await assertWell('200 that wait')
  for (const socket of slow.slice(0, 100)) socket.end()
  await assertWell('100 half closed')
  for (const socket of slow) socket.destroy()
  await assertWell('all gone')
})

test('many requests at once on one connection are each answered', async () => {
  const one = request('GET /v1/guests HTTP/1.1')
  const said = await exchange(farm.socket, [
    Buffer.concat(Array.from({ length: 200 }, () => one)),
    request('GET /v1/guests HTTP/1.1', ['connection: close']),
  ])
  assert.equal(said.match(/HTTP\/1\.1 200 /g)?.length, 201)
})

test('2,000 mutations of good requests', async () => {
  const below = chance(42)
  const close = ['connection: close']
  const good = [
    request('GET /v1/guests HTTP/1.1', close),
    request('GET /v1/history?kind=guest&name=web&limit=5 HTTP/1.1', close),
    request('GET /v1/guests/web/rules HTTP/1.1', close),
    request(
      'PATCH /v1/guests/web?reason=why HTTP/1.1',
      ['content-type: application/json', 'content-length: 36', ...close],
      '{"memory":"1G","labels":{"a":"b"}}  ',
    ),
    json('{"name":"shop","template":"nope:1","ports":[{"hostPort":8080,"guestPort":80}],"labels":{"owner":"lark"}}'),
    request('POST /v1/guests HTTP/1.1', chunked, '10\r\n{"name":"shop", \r\n14\r\n"template":"nope:1"}\r\n0\r\n\r\n'),
  ]
  for (let batch = 0; batch < 40; batch++) {
    const mutated = Array.from({ length: 50 }, () => mutate(good[below(good.length)] ?? Buffer.alloc(0), below))
    const answers = await Promise.all(mutated.map((bytes) => exchange(farm.socket, [bytes], 150)))
    for (const [at, said] of answers.entries())
      assert.ok(
        !/^HTTP\/1\.1 5/m.test(said),
        `${JSON.stringify(mutated[at]?.toString('latin1'))}: ${said.slice(0, 300)}`,
      )
    await assertWell(`batch ${batch}`)
  }
})

test('all of that did not make the daemon grow', () => {
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  assert.ok(kilobytes > 0 && kilobytes < 400_000, `${kilobytes} KB`)
  assert.ok(!/unhandled|did not foresee/.test(readFileSync(farm.logFile, 'utf8')), farm.logTail())
})

test('the socket is for root; others are told so', async () => {
  assert.equal(statSync(farm.socket).mode & 0o777, 0o600)
  assert.equal((await asked()).exit, 0)
  process.seteuid?.(65534)
  try {
    const { exit, stdout, stderr } = await asked()
    assert.deepEqual([exit, stdout], [4, ''])
    assert.match(stderr, /you may not use .*sock\n.*run it as root; .*adduser NAME croft\n$/)
  } finally {
    process.seteuid?.(0)
  }
})

/** `croft ls` in this process: another user may not even read the program. */
async function asked(): Promise<{ exit: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') => ({
    tty: false,
    columns: 80,
    write(text: string) {
      said[name] += text
    },
  })
  const io: Io = {
    env: { CROFT_SOCKET: farm.socket, LC_ALL: 'C.UTF-8' },
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    stdinTty: false,
    readStdin: async () => '',
    readTextFile: async () => '',
    ask: async () => undefined,
    askHidden: async () => undefined,
    onInterrupt: () => ({ [Symbol.dispose]: () => undefined }),
    sleep: async () => undefined,
    now: () => 0,
    elapsedMs: () => 0,
  }
  return { exit: await runCli(['ls'], io), ...said }
}
