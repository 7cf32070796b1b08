/** What a site may ask of HAProxy: who comes, how much, and who answers. In a network namespace of its own; needs root. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { EdgeServer, Site, StreamSite } from '../../src/drivers/edge/driver.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { limits, siteOf, toServers } from './edge.ts'
import { answering, ask, farmOf, openHaproxy, selfSigned } from './edge-world.ts'
import { isInside, runInside } from './namespace.ts'

if (!isInside) runInside('haproxy, what sites ask for', import.meta.url, 's')
else {
  const { edge } = await openHaproxy()
  const [one, two] = [await answering('one'), await answering('two')]
  const farm = selfSigned('farm', [])
  const wishOf = (sites: readonly Site[], streams: readonly StreamSite[] = []) => farmOf(farm, sites, streams)
  const site = (id: string, rest: Partial<Site> = {}) =>
    siteOf(id, `${id}.example.org`, { target: toServers(one.here), ...rest })
  const hash = execFileSync('openssl', ['passwd', '-6', 'word'], { encoding: 'utf8' }).trim()
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  const nowhere: EdgeServer = { id: 'gone', address: '127.0.0.1', port: 9, state: 'ready' }

  await edge.serve(
    wishOf([
      site('plain'),
      site('asks', { users: [{ name: 'ann', hash }] }),
      site('slow', { limits: { ...limits, requestsPerSecond: 3 } }),
      site('small', { limits: { ...limits, bodyBytes: 100 } }),
      site('closed', { allow: ['192.0.2.0/24'] }),
      site('denied', { deny: ['127.0.0.0/8'], allow: ['127.0.0.1'] }),
      site('open', { allow: ['127.0.0.0/8'] }),
      site('work', { maintenance: { retryAfterSeconds: 77, text: 'Back <soon>' } }),
      site('zip', { compress: true }),
      site('hidden', { hosts: ['hidden.example.org', 'seen.example.org'], noindex: ['hidden.example.org'] }),
      site('empty', { target: toServers() }),
      site('keeps', {
        target: { kind: 'servers', servers: [one.here, two.here], sticky: true, clientAddress: 'headers' },
      }),
      site('half', { target: toServers(nowhere, one.here) }),
      site('lost', { target: toServers(nowhere), limits: { timeoutSeconds: 20, queueSeconds: 1 } }),
    ]),
  )
  const curl = createRunner()
  const status = async (host: string, options = {}, path = '/') =>
    (await ask(`${host}.example.org`, path, options)).status

  test('the guest hears who the client is, and nothing that the client says of it', async () => {
    const lies = { 'x-forwarded-for': '192.0.2.66', forwarded: 'for=192.0.2.66', 'x-real-ip': '192.0.2.66', proxy: 'x' }
    const more = {
      'x-forwarded-proto': 'gopher',
      'x-forwarded-host': 'evil',
      'x-forwarded-port': '1',
      x_real_ip: '192.0.2.66',
    }
    for (const secure of [false, true]) {
      const { text } = await ask('plain.example.org', '/a?b=c', { secure, headers: { ...lies, ...more } })
      const { url, headers } = JSON.parse(text)
      const told = Object.entries(headers).filter(([name]) => /forward|real|proxy/.test(name))
      assert.equal(url, '/a?b=c')
      assert.deepEqual(Object.fromEntries(told), {
        'x-forwarded-for': '127.0.0.1',
        'x-real-ip': '127.0.0.1',
        'x-forwarded-host': 'plain.example.org',
        'x-forwarded-proto': secure ? 'https' : 'http',
      })
    }
  })

  test('a password is asked for, believed, and not passed on', async () => {
    assert.equal(await status('asks'), 401)
    assert.equal(await status('asks', { headers: basic('ann:wrong') }), 401)
    for (let times = 0; times < 3; times++) {
      const { status, text } = await ask('asks.example.org', '/', { headers: basic('ann:word') })
      assert.equal(status, 200)
      assert.equal(JSON.parse(text).headers.authorization, undefined)
    }
    assert.equal(await status('asks', { headers: basic('ann:wrong') }), 401)
    for (let times = 0; times < 30; times++) await status('asks', { headers: basic(`ann:guess${times}`) })
    assert.equal(await status('asks', { headers: basic('ann:guess') }), 429)
    assert.equal(await status('asks', { headers: basic('ann:word') }), 200)
  })

  test('too many, too much, from the wrong place', async () => {
    const many = await Promise.all(Array.from({ length: 12 }, () => status('slow')))
    assert.ok(many.includes(200) && many.includes(429), many.join(' '))
    assert.equal(await status('small', { method: 'POST', body: 'x'.repeat(100) }), 200)
    assert.equal(await status('small', { method: 'POST', body: 'x'.repeat(101) }), 413)
    assert.equal(await status('small', { method: 'POST', body: 'x', headers: { 'transfer-encoding': 'chunked' } }), 411)
    assert.equal(await status('small', { method: 'POST' }), 200)
    assert.deepEqual([await status('closed'), await status('denied'), await status('open')], [403, 403, 200])
  })

  test('too much over HTTP/2 is answered, not cut off', async () => {
    const asked = (bytes: number, ...more: string[]) => {
      const where = ['--http2', '--connect-to', 'small.example.org:443:127.0.0.1:443', 'https://small.example.org/']
      const args = ['-sk', '-m', '60', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', ...more, ...where]
      return curl.run({
        file: 'curl',
        args: [...args, '--data-binary', '@-'],
        stdin: 'x'.repeat(bytes),
        timeoutMs: 90_000,
      })
    }
    assert.equal(await asked(100), '2 200')
    assert.equal(await asked(1_000_000), '2 413')
    assert.equal(await asked(1_000_000, '-H', 'content-length:'), '2 411')
    assert.equal(await asked(50, '-H', 'content-length:', '-X', 'GET'), '2 411')
    assert.equal(await asked(0, '-H', 'content-length:'), '2 200')
  })

  test('maintenance is a page of its own words, with when to come again', async () => {
    const page = await ask('work.example.org', '/')
    assert.deepEqual([page.status, page.headers['retry-after']], [503, '77'])
    assert.match(page.text, /Back &lt;soon&gt;/)
  })

  test('text is compressed for who takes it, preview names are in no index', async () => {
    const zipped = await ask('zip.example.org', '/', { headers: { 'accept-encoding': 'gzip', 'x-type': 'text/html' } })
    assert.equal(zipped.headers['content-encoding'], 'gzip')
    assert.equal((await ask('hidden.example.org', '/')).headers['x-robots-tag'], 'noindex, nofollow')
    assert.equal((await ask('seen.example.org', '/')).headers['x-robots-tag'], undefined)
  })

  test('a client stays with its server, when that is asked for', async () => {
    const first = await ask('keeps.example.org', '/')
    const cookie = String(first.headers['set-cookie']).split(';')[0] ?? ''
    assert.match(cookie, /^e_keeps=[0-9a-f]+$/)
    for (let times = 0; times < 4; times++) {
      const again = await ask('keeps.example.org', '/', { headers: { cookie } })
      assert.equal(again.headers['x-by'], first.headers['x-by'])
      assert.equal(JSON.parse(again.text).headers.cookie, undefined)
    }
  })

  test('a dead server is passed over; with no server at all the answer comes at once', async () => {
    for (let times = 0; times < 8; times++) assert.equal(await status('half', { method: 'POST', body: 'x' }), 200)
    const begun = performance.now()
    assert.equal(await status('empty'), 503)
    assert.ok(performance.now() - begun < 5_000)
    const lost = await ask('lost.example.org', '/')
    assert.equal(lost.status, 503)
    assert.match(lost.text, /not there at the moment/)
  })

  test('while the only server is away requests wait for it, also when it is marked as down already', async () => {
    const third = await answering('third')
    const { port } = third.here
    await new Promise((resolve) => third.server.close(resolve))
    const patient = { timeoutSeconds: 20, queueSeconds: 60 }
    await edge.serve(wishOf([site('plain'), site('away', { target: toServers(third.here), limits: patient })]))
    const early = Array.from({ length: 5 }, (_, n) => status('away', n % 2 ? { method: 'POST', body: 'x' } : {}))
    while ((await edge.counters()).get('away')?.serversUp !== 0) await sleep(50)
    const late = Array.from({ length: 5 }, () => status('away'))
    await sleep(300)
    third.server.listen(port, '127.0.0.1')
    assert.deepEqual([...new Set(await Promise.all([...early, ...late]))], [200])
    third.server.close()
  })

  test('a connection becomes a websocket, and lives on through a change of servers', async () => {
    await edge.serve(wishOf([site('plain')]))
    const client = connect(80, '127.0.0.1')
    const heard = listen(client)
    client.write(
      'GET /socket HTTP/1.1\r\nHost: plain.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    await heard.until(/101 Switching/)
    client.write('first')
    await heard.until(/first/)
    assert.equal(await edge.serve(wishOf([site('plain', { target: toServers(two.here) })])), 'runtime')
    client.write('second')
    await heard.until(/second/)
    assert.equal(await edge.serve(wishOf([site('plain', { target: toServers(two.here) }), site('more')])), 'reload')
    client.write('third')
    await heard.until(/third/)
    client.destroy()
  })

  test('a chain that is signed too weakly would hold up all sites: it is told before', async () => {
    const folder = mkdtempSync('/tmp/cfw')
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
    try {
      const ca = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-sha1', '-days', '9', '-subj', '/CN=ca']
      openssl('req', ...ca, '-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', 'cakey', '-out', 'ca')
      openssl(
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-subj',
        '/CN=weak.example.org',
        '-keyout',
        'key',
        '-out',
        'r',
      )
      openssl('x509', '-req', '-in', 'r', '-CA', 'ca', '-CAkey', 'cakey', '-CAcreateserial', '-sha1', '-out', 'leaf')
      const pem = ['key', 'leaf', 'ca'].map((file) => readFileSync(join(folder, file), 'utf8')).join('')
      await assert.rejects(edge.assertTakes({ name: 'weak', names: [], pem }), {
        code: 'FAILED',
        message: /unable to load SSL certificate/,
      })
      await edge.serve(wishOf([site('plain')]))
      assert.equal(await status('plain'), 200)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('where nobody answered for long nobody waits, and who comes back is asked at once', async () => {
    const late = await answering('late')
    const wish = (silent: boolean) => {
      const target = { ...toServers(late.here), silent } as Site['target']
      return wishOf([site('long', { target, limits: { timeoutSeconds: 20, queueSeconds: 600 } })])
    }
    const { port } = late.here
    late.server.close()
    late.server.closeAllConnections()
    await edge.serve(wish(false))
    const waits = ask('long.example.org', '/')
    assert.equal(await edge.serve(wish(true)), 'runtime')
    // It would wait for ten minutes.
    assert.equal(await status('long'), 503)
    await new Promise<void>((listening) => late.server.listen(port, '127.0.0.1', listening))
    const until = performance.now() + 20_000
    while ((await status('long')) !== 200) assert.ok(performance.now() < until)
    await waits
  })

  test("what lives elsewhere hears its own name, and TLS that is passed through is the guest's own", async () => {
    const own = selfSigned('own.example.net', ['own.example.net'])
    const away = createTlsServer({ key: own.pem, cert: own.pem }, (asked, answer) =>
      answer.end(String(asked.headers.host)),
    )
    const port = await new Promise<number>((resolve) =>
      away.unref().listen(0, '127.0.0.1', () => resolve((away.address() as AddressInfo).port)),
    )
    const streams: StreamSite[] = [
      {
        id: 'pass',
        match: { kind: 'passthrough', hosts: ['own.example.net', '*.own.example.net'] },
        servers: [{ id: 'g', address: '127.0.0.1', port, state: 'ready' }],
        clientAddress: 'none',
      },
    ]
    const upstream = site('up', {
      target: { kind: 'upstream', scheme: 'https', host: '127.0.0.1', port, verify: false },
    })
    const proven = site('proven', {
      target: { kind: 'upstream', scheme: 'https', host: '127.0.0.1', port, verify: true },
    })
    const here = { scheme: 'https', host: 'moved.example.org', address: '127.0.0.1', port, verify: false } as const
    const moved = site('moved', { target: { kind: 'upstream', ...here } })
    const named = site('named', { hosts: ['b.own.example.net'] })
    await edge.serve(wishOf([site('plain'), named, upstream, proven, moved], streams))
    assert.equal((await ask('moved.example.org', '/')).text, 'moved.example.org')
    assert.equal((await ask('up.example.org', '/')).text, `127.0.0.1:${port}`)
    assert.equal(await status('proven'), 503)
    assert.equal(await subject('own.example.net'), 'own.example.net')
    assert.equal(await subject('a.own.example.net'), 'own.example.net')
    assert.equal(await subject('plain.example.org'), 'farm')
    assert.equal(await subject('b.own.example.net'), 'farm', 'a name of its own goes before the wildcard')
    const { text } = await ask('plain.example.org', '/', { secure: true })
    assert.equal(JSON.parse(text).headers['x-forwarded-for'], '127.0.0.1')
    away.close()
  })

  test("TCP goes by its port, with the client's address in front where that is asked for", async () => {
    // What each connection brought: a header in front may come as a part of its own.
    const brought: Buffer[] = []
    const echo = createServer((socket) => {
      const nth = brought.push(Buffer.alloc(0)) - 1
      socket
        .on('error', () => {})
        .on('data', (part: Buffer) => {
          brought[nth] = Buffer.concat([brought[nth] ?? Buffer.alloc(0), part])
          socket.write(part)
        })
    })
    const port = await new Promise<number>((resolve) =>
      echo.unref().listen(0, '127.0.0.1', () => resolve((echo.address() as AddressInfo).port)),
    )
    const stream = (id: string, listen: string, clientAddress: 'none' | 'proxy'): StreamSite => ({
      ...{ id, match: { kind: 'port', listen }, clientAddress },
      servers: [{ id: 'g', address: '127.0.0.1', port, state: 'ready' }],
    })
    await edge.serve(wishOf([], [stream('bare', ':5432', 'none'), stream('told', '127.0.0.1:5433', 'proxy')]))
    for (const at of [5432, 5433]) {
      const client = connect(at, '127.0.0.1')
      const heard = listen(client)
      client.write('hello')
      await heard.until(/hello/)
      client.destroy()
    }
    // Checks by connecting, if any, say nothing.
    const [bare, told] = brought.filter(({ length }) => length > 0)
    assert.equal(bare?.toString(), 'hello')
    assert.deepEqual([...(told?.subarray(0, 12) ?? [])], [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10])
    assert.deepEqual([...(told?.subarray(16, 20) ?? [])], [127, 0, 0, 1])
    echo.close()
  })

  function listen(socket: Socket): { until(wanted: RegExp): Promise<void> } {
    let text = ''
    socket
      .on('error', () => {})
      .on('data', (part) => {
        text += part.toString('latin1')
      })
    return {
      async until(wanted) {
        for (const end = performance.now() + 20_000; !wanted.test(text); await sleep(10))
          if (performance.now() > end || socket.destroyed) assert.fail(`${wanted} did not come: ${text.slice(-300)}`)
      },
    }
  }

  const subject = (servername: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port: 443, servername, rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN))
        socket.destroy()
      }).once('error', reject)
    })
}
