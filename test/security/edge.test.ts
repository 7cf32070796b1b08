/** What strangers send to the HTTPS front, byte by byte. In a network namespace of its own; needs root. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Site } from '../../src/drivers/edge/driver.ts'
import { limits, siteOf, toServers } from '../contract/edge.ts'
import { answering, ask, farmOf, openHaproxy, selfSigned } from '../contract/edge-world.ts'
import { isInside, runInside } from '../contract/namespace.ts'

if (!isInside) runInside('the edge, what strangers send', import.meta.url, 'x')
else {
  const { edge, folder } = await openHaproxy()
  const [open, guarded] = [await answering('open'), await answering('guarded')]
  const tapped = await tap()
  const hash = execFileSync('openssl', ['passwd', '-6', 'word'], { encoding: 'utf8' }).trim()
  const toOpen = toServers(open.here)
  const toGuarded = toServers(guarded.here)
  const users = [{ name: 'ann', hash }]
  const sites: Site[] = [
    siteOf('shop', 'shop.example.org', { target: toOpen }),
    siteOf('admin', 'shop.example.org', { path: '/admin', target: toGuarded, users }),
    siteOf('deep', 'shop.example.org', { path: '/a/b', target: toGuarded, users }),
    siteOf('inner', 'inner.example.org', { target: toGuarded, allow: ['192.0.2.0/24'] }),
    siteOf('tapped', 'tapped.example.org', { target: toServers(tapped.here) }),
    siteOf('small', 'small.example.org', { target: toOpen, limits: { ...limits, bodyBytes: 10 } }),
  ]
  await edge.serve(farmOf(selfSigned('farm', []), sites))

  /** From an address of its own. */
  const slow = Array.from({ length: 1100 }, () => {
    const socket = connect({ port: 80, host: '127.0.0.1', localAddress: '127.0.0.5' }).on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: shop.example.org\r\nX: ')
    return socket.resume()
  })
  after(() => {
    for (const socket of slow) socket.destroy()
  })

  test('two messages in one: what could be read two ways is refused, or reaches the guest one way', async () => {
    const head = (lines: readonly string[], body = '') =>
      `POST / HTTP/1.1\r\nHost: tapped.example.org\r\n${lines.join('\r\n')}\r\n\r\n${body}`
    const inner = 'GET /smuggled HTTP/1.1\r\nHost: tapped.example.org\r\n\r\n'
    const tries = {
      'two lengths': head(['Content-Length: 5', 'Content-Length: 6'], `hello${inner}`),
      'a list of lengths': head(['Content-Length: 5, 6'], `hello${inner}`),
      'a length with a sign': head(['Content-Length: +5'], `hello${inner}`),
      'a length that is none': head(['Content-Length: 5x'], `hello${inner}`),
      'length and chunks': head(['Content-Length: 6', 'Transfer-Encoding: chunked'], `0\r\n\r\nX${inner}`),
      'chunks and length': head(['Transfer-Encoding: chunked', 'Content-Length: 4'], `5c\r\n${inner}\r\n0\r\n\r\n`),
      'chunks by another name': head(['Transfer-Encoding: xchunked'], `0\r\n\r\n${inner}`),
      'chunks twice': head(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `0\r\n\r\n${inner}`),
      'a space before the colon': head(['Transfer-Encoding : chunked'], `0\r\n\r\n${inner}`),
      'a folded line': head(['Transfer-Encoding:', ' chunked'], `0\r\n\r\n${inner}`),
      'a length that is folded': head(['X: y', ' Content-Length: 5'], `hello${inner}`),
      'a bare carriage return': head(['X: y\rContent-Length: 5'], `hello${inner}`),
      'a nul': head(['X: y\0z'], ''),
      'a chunk of no number': head(['Transfer-Encoding: chunked'], `zz\r\n${inner}0\r\n\r\n`),
      'a chunk too long for a number': head(['Transfer-Encoding: chunked'], `fffffffffffffffffff\r\n${inner}`),
      'a chunk without its end': head(['Transfer-Encoding: chunked'], `1\r\nXX\r\n0\r\n\r\n${inner}`),
      'two hosts': `GET / HTTP/1.1\r\nHost: tapped.example.org\r\nHost: shop.example.org\r\n\r\n`,
      'a space in the path': 'GET /a b HTTP/1.1\r\nHost: tapped.example.org\r\n\r\n',
      'an old HTTP': 'GET /\r\n\r\n',
    }
    for (const [what, bytes] of Object.entries(tries)) {
      tapped.heard.length = 0
      const said = await say(bytes)
      // After a chunk's length it is a body, at the beginning of a connection a request that passed the rules.
      assert.doesNotMatch(tapped.text(), /(?<!^\w*|\0\w*|\r\n[0-9A-Fa-f]+\r\n)GET \/smuggled/, what)
      if (!/^chunks and length|^length and chunks|folded/.test(what))
        assert.match(said, /^HTTP\/1\.[01] 4\d\d|^$/, what)
      assert.ok(!/content-length/i.test(tapped.text()) || !/transfer-encoding/i.test(tapped.text()), what)
    }
  })

  test('lines that end in a bare newline mean the same to both sides', async () => {
    tapped.heard.length = 0
    await say('POST / HTTP/1.1\nHost: tapped.example.org\nTransfer-Encoding: chunked\nContent-Length: 3\n\n0\n\nGET /x')
    assert.doesNotMatch(tapped.text(), /GET \/x/)
    assert.doesNotMatch(tapped.text(), /[^\r]\n/)
  })

  test('names of headers that some read as others are dropped', async () => {
    const headers = { x_forwarded_for: '192.0.2.66', 'x.real.ip': '192.0.2.66', content_length: '7' }
    const { text } = await ask('shop.example.org', '/', { headers })
    const heard = Object.keys(JSON.parse(text).headers)
    assert.deepEqual(
      heard.filter((name) => /_|\./.test(name)),
      [],
    )
  })

  test('a protected path is protected however it is written', async () => {
    const tricks = [
      '/admin',
      '/admin/',
      '/admin/x',
      '//admin',
      '///admin/x',
      '/%61dmin',
      '/%61%64%6d%69%6e/x',
      '/admin%2fx',
      '/%2fadmin',
      '/admin;x',
      '/admin;x=1/y',
      '/;x/admin',
      '/a//b',
      '/a/%62',
      '/a%2fb',
      '/a;x/b/c',
      '/admin?x',
      '/admin/?x',
      '/admin#x',
    ]
    const upwards = [
      '/x/../admin',
      '/x/%2e%2e/admin',
      '/x/.%2e/admin',
      '/./admin',
      '/%2e/admin',
      '/x/..;/admin',
      '/admin/..',
      '/x/..%2fadmin',
      '/x%2f..%2fadmin',
      '/x\\..\\admin',
      '/x%5c..%5cadmin',
      '/..',
      '/.',
      '/x/%2e%2E/admin',
      '/admin%00',
      '//x/admin',
      '/admin\\x',
      '/\\x/admin',
      '/admin%5cx',
    ]
    for (const path of [...tricks, ...upwards]) {
      const { status, by } = await get('shop.example.org', path)
      assert.notEqual(by, 'guarded', path)
      assert.ok(status === 401 || status === 400, `${path}: ${status}`)
    }
    for (const path of [
      '/',
      '/administrator',
      '/x/admin',
      '/.well-known/x',
      '/a...b',
      '/x..',
      '/a/bc',
      '/%2561dmin',
      '/...',
    ])
      assert.deepEqual(await get('shop.example.org', path), { status: 200, by: 'open' }, path)
  })

  test('what was proven once is believed of the same header alone', async () => {
    const basic = `Basic ${Buffer.from('ann:word').toString('base64')}`
    const line = (...lines: string[]) =>
      say(
        `GET /admin HTTP/1.1\r\nHost: shop.example.org\r\nConnection: close\r\n${lines.map((each) => `${each}\r\n`).join('')}\r\n`,
      )
    assert.match(await line(`Authorization: ${basic}`), /^HTTP\/1\.1 200 /)
    assert.match(await line(`Authorization: ${basic}`, 'Authorization: zz'), /^HTTP\/1\.1 400 /)
    assert.match(await line(`Authorization: ${basic}`, 'Authorization;'), /^HTTP\/1\.1 4\d\d /)
    await line(`Authorization: ${basic},zz`)
    for (const later of [[], ['Authorization:'], ['Authorization: zz'], ['Authorization: let-me-in']])
      assert.match(await line(...later), /^HTTP\/1\.1 401 /, later.join())
    assert.match(await line(`Authorization: Basic ${'x'.repeat(500)}`), /^HTTP\/1\.1 400 /)
  })

  test('no other protocol is begun, and nobody takes the client’s address out', async () => {
    const line = (...lines: string[]) =>
      say(`GET / HTTP/1.1\r\nHost: shop.example.org\r\n${lines.join('\r\n')}\r\n\r\n`)
    const said = await line(
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
      'X-Original-URL: /admin',
    )
    assert.match(said, /^HTTP\/1\.1 200 /)
    assert.doesNotMatch(said, /"upgrade":|"http2-settings":|"x-original-url":/i)
    assert.match(await line('Connection: close, X-Forwarded-For, X-Real-IP'), /^HTTP\/1\.1 400 /)
  })

  test('a closed site is closed by whatever name it is asked for', async () => {
    assert.deepEqual(await get('inner.example.org', '/'), { status: 403, by: undefined })
    const hosts = [
      'INNER.example.org',
      'inner.example.org.',
      'inner.example.org:80',
      'inner.example.org:443',
      'inner.EXAMPLE.org:1',
    ]
    for (const host of hosts) assert.equal((await get(host, '/')).status, 403, host)
    const names = [
      'shop.example.org/',
      'shop.example.org/x',
      'a@inner.example.org',
      'inner.example.org\t',
      'x inner.example.org',
      '*.example.org',
      '[::1]',
      '',
      '-',
      '"',
      '%',
    ]
    for (const host of names) {
      const said = await say(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      assert.match(said, /^HTTP\/1\.1 4\d\d /, host)
    }
  })

  test('an address in the request line counts as the name that is asked for, or is refused', async () => {
    const line = (url: string, host: string) => say(`GET ${url} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    assert.match(await line('http://inner.example.org/', 'shop.example.org'), /^HTTP\/1\.1 4\d\d /)
    assert.match(await line('http://shop.example.org/', 'inner.example.org'), /^HTTP\/1\.1 4\d\d /)
    assert.match(await line('http://shop.example.org/admin', 'shop.example.org'), /^HTTP\/1\.1 401 /)
    assert.match(await line('http://shop.example.org/x/../admin', 'shop.example.org'), /^HTTP\/1\.1 400 /)
    assert.match(await line('http://shop.example.org/', 'shop.example.org'), /^HTTP\/1\.1 200 /)
    for (const method of ['CONNECT inner.example.org:443', 'CONNECT shop.example.org:80', 'OPTIONS *'])
      assert.match(await say(`${method} HTTP/1.1\r\nHost: inner.example.org\r\n\r\n`), /^HTTP\/1\.1 4\d\d |^$/, method)
  })

  test('what TLS was told does not open what the request asks for', async () => {
    const { status } = await ask('inner.example.org', '/', { secure: true, sni: 'shop.example.org' })
    assert.equal(status, 403)
    const asked = await ask('shop.example.org', '/admin', { secure: true, sni: 'inner.example.org' })
    assert.equal(asked.status, 401)
  })

  test('heads without end are refused, bodies of no known length do not pass a limit', async () => {
    for (const headers of [
      { x: 'y'.repeat(20_000) },
      Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x${n}`, 'y'])),
    ])
      assert.match(
        await say(
          `GET / HTTP/1.1\r\nHost: shop.example.org\r\n${Object.entries(headers)
            .map((pair) => pair.join(': '))
            .join('\r\n')}\r\n\r\n`,
        ),
        /^HTTP\/1\.1 4\d\d /,
      )
    assert.match(
      await say(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: shop.example.org\r\n\r\n`),
      /^HTTP\/1\.1 4\d\d /,
    )
    const chunked = 'POST / HTTP/1.1\r\nHost: small.example.org\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n'
    assert.match(await say(`${chunked}${'x'.repeat(64)}\r\n0\r\n\r\n`), /^HTTP\/1\.1 41[13] /)
    assert.match(
      await say('GET / HTTP/1.1\r\nHost: small.example.org\r\nContent-Length: 11\r\n\r\nhello world'),
      /^HTTP\/1\.1 413 /,
    )
  })

  test('bodies of no known length do not pass a limit in HTTP/2 either', async () => {
    const session = connectHttp2('https://127.0.0.1', { rejectUnauthorized: false, servername: 'small.example.org' })
    const post = (headers: Record<string, string>, body: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const head = { ':authority': 'small.example.org', ':path': '/', ':scheme': 'https', ...headers }
        const stream = session.request(head, { endStream: false }).once('error', reject)
        stream.once('response', (answer) => {
          resolve(Number(answer[':status']))
          stream
            .removeListener('error', reject)
            .on('error', () => {})
            .close()
        })
        stream.write(body)
        stream.end()
      })
    for (const method of ['POST', 'GET', 'DELETE'])
      assert.match(String(await post({ ':method': method }, 'x'.repeat(64))), /^41[13]$/, method)
    assert.equal(await post({ ':method': 'POST', 'content-length': '5' }, 'hello'), 200)
    session.destroy()
  })

  test('many who send their requests slowly do not keep others out, and one address has only so many', async () => {
    const isGone = (socket: Socket) => socket.destroyed || socket.closed
    await until(() => slow.filter(isGone).length >= 76)
    assert.equal((await ask('shop.example.org', '/')).status, 200)
    // Ten seconds are given to a head.
    await until(() => slow.every(isGone))
  })

  test('workers are not root, see no files, and what they were told is for root alone', () => {
    const shell = (file: string, args: string[]) => execFileSync(file, args, { encoding: 'utf8' })
    const master = shell('cat', [`${folder}/haproxy.pid`]).trim()
    const worker =
      shell('cat', [`/proc/${master}/task/${master}/children`])
        .trim()
        .split(' ')
        .at(-1) ?? ''
    assert.match(shell('cat', [`/proc/${worker}/status`]), /^CapEff:\s+0+$/m)
    assert.doesNotMatch(shell('cat', [`/proc/${worker}/status`]), /^Uid:\s+0\s/m)
    assert.equal(shell('readlink', [`/proc/${worker}/root`]).trim(), `${folder}/jail`)
    assert.equal(shell('find', [folder, '-type', 'f', '-perm', '/077']).trim(), `${folder}/haproxy.pid`)
    assert.equal(shell('find', [folder, '-name', '*.sock', '-perm', '/077']).trim(), '')
  })

  async function get(host: string, path: string): Promise<{ status: number; by: string | undefined }> {
    const said = await say(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1]), by: /^x-by: (\w+)/m.exec(said)?.[1] }
  }

  /** What comes back until the other side closes, or is silent after an answer. */
  function say(bytes: string): Promise<string> {
    return new Promise((resolve) => {
      let text = ''
      const socket = connect(80, '127.0.0.1', () => socket.write(bytes, 'latin1'))
      const done = () => {
        socket.destroy()
        resolve(text)
      }
      socket.setTimeout(500, () => (text === '' ? socket.setTimeout(15_000) : done()))
      socket.on('data', (part: Buffer) => {
        text += part.toString('latin1')
      })
      socket.once('error', done).once('close', done)
    })
  }

  async function until(isSo: () => boolean): Promise<void> {
    for (const end = performance.now() + 40_000; !isSo(); await sleep(50))
      assert.ok(performance.now() < end, 'it took too long')
  }

  /** Keeps every byte that reaches a guest, by connection. */
  async function tap() {
    const heard: string[][] = []
    const server = createServer((socket) => {
      const mine: string[] = []
      heard.push(mine)
      socket
        .on('error', () => {})
        .on('data', (part: Buffer) => {
          mine.push(part.toString('latin1'))
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
        })
    })
    after(() => void server.close())
    await new Promise<void>((resolve) => server.listen(9080, '127.0.0.1', resolve))
    const here = { id: 'tap', address: '127.0.0.1', port: 9080, state: 'ready' } as const
    return { here, heard, text: () => heard.map((parts) => parts.join('')).join('\0') }
  }
}
