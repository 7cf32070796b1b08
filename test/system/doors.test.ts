/** The door to the outside: a laptop (another home, on the farm's loopback) logs in, reads, changes, and is shut out. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Certificate, Door, Token } from '../../src/api/door.ts'
import type { MadeInvitation } from '../../src/api/join.ts'
import type { Outcome } from '../../src/drivers/exec/command.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm({ init: ['--listen', ':8443'] })
const homes: string[] = []
after(async () => {
  for (const home of homes) await rm(home, { recursive: true, force: true })
})

interface Laptop {
  readonly home: string
  run(...words: string[]): Promise<Outcome>
  type(stdin: string, ...words: string[]): Promise<Outcome>
}

/** Nothing of the host but its network: no socket, another home. */
async function laptop(env: Record<string, string> = {}): Promise<Laptop> {
  const home = await mkdtemp(join(tmpdir(), 'croft-laptop-'))
  homes.push(home)
  const own = { HOME: home, CROFT_SOCKET: '', CROFT_STATE: '', ...env }
  return {
    home,
    run: (...words) => farm.croftWith({ env: own }, ...words),
    type: (stdin, ...words) => farm.croftWith({ env: own, stdin }, ...words),
  }
}

const door = async (): Promise<Door> => (await farm.json<{ door: Door }>('farm', 'show')).door
const loginWord = async (name: string, ...words: string[]): Promise<string> =>
  (await farm.croftOk('token', 'add', name, '--login', '--address', '127.0.0.1', ...words)).trim()

function assertSaid(outcome: Outcome, code: number, what: RegExp): void {
  assert.match(outcome.stderr, what)
  assert.equal(outcome.code, code, outcome.stderr)
}

test('one word from the host logs a laptop in; it lists, creates and removes as on the host', async () => {
  const word = await loginWord('lark')
  const mine = await laptop()
  const said = await mine.run('login', word)
  assert.equal(said.code, 0, said.stderr)
  assert.match(said.stdout, /meadow at 127\.0\.0\.1:8443 as operator until 20\d\d-/)
  assert.equal((await mine.run('create', 'web', 'debian:12', '--no-start')).code, 0)
  assert.match((await mine.run('ls')).stdout, /web/)
  assert.match(await farm.croftOk('history', 'web'), /token:lark/)
  assert.equal((await mine.run('rm', 'web', '-y')).code, 0)
  const again = await (await laptop()).run('login', word)
  assertSaid(again, 4, /not known here: removed, used up/)
  const folder = join(mine.home, '.config/croft')
  assert.deepEqual((await readdir(folder)).sort(), ['config.json', 'farms'])
  for (const [path, mode] of [
    ['', 0o700],
    ['config.json', 0o600],
    ['farms', 0o700],
    ['farms/meadow.json', 0o600],
  ] as const)
    assert.equal((await stat(join(folder, path))).mode & 0o777, mode, path)
})

test('what needs root on the host says so from afar', async () => {
  const mine = await laptop()
  assert.equal((await mine.type(await loginWord('far'), 'login')).code, 0)
  assertSaid(await mine.run('init'), 4, /init is not possible from afar yet/)
  for (const words of [
    ['create', 'web', 'debian:12'],
    ['set', 'web'],
  ])
    assertSaid(await mine.run(...words, 'certificate=shop.example.org'), 4, /private keys are given to guests by root/)
  const before = (await farm.api('GET', '/v1/data?prefix=pools/')).text
  const pool = '{"schema":1,"name":"default","kind":"directory","source":"/etc","mountPoint":"/etc"}'
  assertSaid(await mine.run('data', 'set', 'pools/ash/default', pool, '-y'), 4, /raw records are written by root/)
  assert.equal((await farm.api('GET', '/v1/data?prefix=pools/')).text, before)
})

test('from afar nothing is fetched that only the host reaches; root on the host may', async () => {
  const mine = await laptop()
  assert.equal((await mine.type(await loginWord('fetcher'), 'login')).code, 0)
  const here = ['template', 'import', 'net:1', 'http://localhost:8443/', '--sha256', '0'.repeat(64)]
  assertSaid(await mine.run(...here), 4, /leads to .*, which is this host’s own/)
  assert.doesNotMatch((await farm.croft(...here)).stderr, /this host’s own/)
})

test('by host, fingerprint and a token on stdin; a wrong fingerprint is refused before the token is sent', async () => {
  const { fingerprint } = await door()
  const token = (await farm.croftOk('token', 'add', 'monitor', '--role', 'reader')).trim()
  const mine = await laptop()
  const wrong = 'ab'.repeat(32)
  assertSaid(await mine.type(token, 'login', '127.0.0.1', '--fingerprint', wrong), 4, /does not belong to the farm/)
  assertSaid(await mine.type(token, 'login', '127.0.0.1'), 4, /nobody is here to say whether/)
  assert.equal((await mine.type(token, 'login', '127.0.0.1', '--fingerprint', String(fingerprint))).code, 0)
  assert.equal((await mine.run('ls')).code, 0)
  assertSaid(await mine.run('create', 'web', 'debian:12'), 4, /token:monitor \(reader\) may not create a guest/)
  assertSaid(await mine.run('token', 'ls'), 4, /may not use a token/)
  await farm.croftOk('token', 'rm', 'monitor', '-y')
  assertSaid(await mine.run('ls'), 4, /not known here: removed/)
})

test('without a login, by environment alone', async () => {
  const token = (await farm.croftOk('token', 'add', 'pipeline', '--role', 'reader')).trim()
  const { fingerprint } = await door()
  const env = { CROFT_FARM: '127.0.0.1:8443', CROFT_FINGERPRINT: String(fingerprint), CROFT_TOKEN: token }
  assert.equal((await (await laptop(env)).run('ls', '--json')).stdout, '[]\n')
  assertSaid(await (await laptop({ ...env, CROFT_TOKEN: 'croft_pipeline_' })).run('ls'), 4, /not known here/)
  const other = await laptop({ ...env, CROFT_FINGERPRINT: 'cd'.repeat(32) })
  assertSaid(await other.run('ls'), 4, /does not belong to the farm/)
})

test('a token that ended is refused, and so is a CA that was exchanged', async () => {
  const mine = await laptop()
  assert.equal((await mine.run('login', await loginWord('short', '--expires', '1s'))).code, 0)
  await farm.waitFor(async () => (await farm.json<Token>('token', 'show', 'short')).state === 'expired')
  assertSaid(await mine.run('ls'), 4, /this token ended at/)
  const file = join(mine.home, '.config/croft/farms/meadow.json')
  const login = JSON.parse(await readFile(file, 'utf8')) as { ca: string }
  const other = await readFile(new URL('../fixtures/other-ca.pem', import.meta.url), 'utf8')
  await writeFile(file, JSON.stringify({ ...login, ca: other }))
  assertSaid(await mine.run('ls'), 4, /does not show a certificate of farm "meadow".*nothing was sent/)
})

test('a client certificate says who asks, as long as its record is there', async () => {
  const pem = join(farm.stateDir, 'client.pem')
  await writeFile(pem, await farm.croftOk('token', 'add', 'scraper', '--role', 'reader', '--cert'), { mode: 0o600 })
  const curl = async (...words: string[]): Promise<string> => {
    const args = ['-s', '-w', ' %{http_code}', '--cacert', join(farm.stateDir, 'pki/ca.pem'), ...words]
    return (await farm.host({ file: 'curl', args: [...args, 'https://127.0.0.1:8443/v1/guests'] })).stdout
  }
  assert.equal(await curl('--cert', pem), '[] 200')
  assert.match(
    await curl('--cert', pem, '-X', 'POST', '-H', 'content-type: application/json', '-d', '{}'),
    /may not create .* 403$/,
  )
  assert.equal(await curl('--cert', join(farm.stateDir, 'pki/host.pem')), '[] 200', 'a host of the farm is root of it')
  assert.match(await curl(), / 401$/)
  assert.match(await farm.croftOk('cert', 'ls'), /scraper +client/)
  await farm.croftOk('token', 'rm', 'scraper', '-y')
  assert.match(await curl('--cert', pem), /not known here any more.* 401$/)
  await rm(pem)
})

test('the door is shut and opened without a restart; the local socket never needs it', async () => {
  const mine = await laptop()
  assert.equal((await mine.run('login', await loginWord('door'))).code, 0)
  assertSaid(await farm.croft('farm', 'set', 'listen=203.0.113.9:8443'), 4, /this host has no such address/)
  assert.equal((await door()).state, 'open')
  await farm.croftOk('farm', 'set', 'listen=off')
  assertSaid(await mine.run('ls'), 7, /nothing answers on 127\.0\.0\.1:8443/)
  assertSaid(await farm.croft('token', 'add', 'late', '--login'), 4, /the door to the outside is shut/)
  await farm.croftOk('farm', 'set', 'listen=:8443')
  assert.equal((await mine.run('ls')).code, 0)
  await farm.restartDaemon({ kill: 'SIGKILL' })
  await farm.waitFor(async () => (await door()).state === 'open')
  assert.equal((await mine.run('ls')).code, 0)
})

test('a host that invited, and to whom nobody came, moves its door when the invitation is over', async () => {
  const { expires, address } = await farm.json<MadeInvitation>('host', 'invite', '--expires', '1s')
  await farm.waitFor(() => Date.now() > Date.parse(expires))
  assert.match(await farm.croftOk('farm', 'set', 'listen=:9443', '--dry-run'), /:9443/)
  await farm.croftOk('farm', 'set', 'listen=:9443')
  assert.equal((await door()).listen, ':9443')
  await farm.croftOk('farm', 'set', 'listen=off')
  assert.equal((await door()).state, 'shut', `${address} is nobody’s any more`)
  await farm.croftOk('farm', 'set', 'listen=:8443')
})

test('use and logout; --farm chooses for one command', async () => {
  const mine = await laptop()
  assert.equal((await mine.run('login', await loginWord('two'), '--farm', 'work')).code, 0)
  assert.match((await mine.run('use')).stdout, /local[^*]*\n.*work +\*/)
  assert.equal((await mine.run('use', 'local')).code, 0)
  assert.match((await mine.run('use')).stdout, /local[^\n]*\*/)
  assert.equal((await mine.run('ls', '--farm', 'work')).code, 0)
  assert.equal((await mine.run('logout', 'work')).code, 0)
  assertSaid(await mine.run('ls', '--farm', 'work'), 3, /not logged in to a farm "work"/)
})

test('a new CA comes beside the old one: nobody is shut out before the old one goes', async () => {
  const early = await laptop()
  assert.equal((await early.run('login', await loginWord('early'))).code, 0)
  const { fingerprint: before } = await door()
  const token = (await farm.croftOk('token', 'add', 'pinned', '--role', 'reader')).trim()
  const pinned = await laptop({ CROFT_FARM: '127.0.0.1', CROFT_FINGERPRINT: String(before), CROFT_TOKEN: token })
  const oldCa = join(farm.stateDir, 'old-ca.pem')
  const text = await readFile(join(farm.stateDir, 'pki/ca.pem'), 'utf8')
  await writeFile(oldCa, text.slice(text.indexOf('-----BEGIN CERTIFICATE')))
  const curl = async () =>
    (await farm.host({ file: 'curl', args: ['-sS', '--cacert', oldCa, 'https://127.0.0.1:8443/v1/farm'] })).code
  assert.match(await farm.croftOk('cert', 'rotate', '--dry-run'), /rotate/)
  assert.equal((await door()).fingerprint, before)
  assert.match(await farm.croftOk('cert', 'rotate', '--reason', 'a laptop was lost'), /has a new CA [0-9a-f]{64}/)
  const { fingerprint, former } = await door()
  assert.deepEqual([former, fingerprint === before], [before, false])
  assertSaid(await farm.croft('cert', 'rotate'), 5, /two are trusted/)
  assert.match(await farm.croftOk('history', 'farm', 'meadow'), /rotate-ca.*a laptop was lost/s)
  for (const each of [early, pinned]) assert.equal((await each.run('ls')).code, 0)
  assert.equal(await curl(), 0)
  const late = await laptop()
  assert.equal((await late.run('login', await loginWord('late'))).code, 0)
  assert.match(
    await readFile(join(late.home, '.config/croft/farms/meadow.json'), 'utf8'),
    new RegExp(String(fingerprint)),
  )
  assert.equal((await early.run('login', await loginWord('again'))).code, 0, 'it is the same farm')
  await farm.restartDaemon({ kill: 'SIGKILL' })
  await farm.waitFor(async () => (await door()).state === 'open')
  for (const each of [early, late, pinned]) assert.equal((await each.run('ls')).code, 0)
  await farm.croftOk('cert', 'rotate', '--finish')
  assert.match(await farm.croftOk('cert', 'rotate', '--finish'), /trusts its CA/)
  for (const each of [early, late]) assert.equal((await each.run('ls')).code, 0)
  assertSaid(await pinned.run('ls'), 4, /does not belong to the farm/)
  assert.notEqual(await curl(), 0)
  assert.equal((await door()).former, undefined)
})

test('certificates are told; no secret of any of this is in a log, an answer, a record or the history', async () => {
  const certificates = await farm.json<Certificate[]>('cert', 'ls')
  assert.deepEqual(
    certificates.map(({ kind, name }) => [kind, name]),
    [
      ['ca', 'meadow'],
      ['host', 'ash'],
    ],
  )
  const token = (await farm.croftOk('token', 'add', 'canary', '--role', 'operator')).trim()
  const secret = token.split('_').slice(2).join('_')
  const mine = await laptop({
    CROFT_FARM: '127.0.0.1',
    CROFT_FINGERPRINT: String((await door()).fingerprint),
    CROFT_TOKEN: token,
  })
  assert.equal((await mine.run('create', 'web', 'nope:1')).code, 3)
  const told = [
    await readFile(farm.logFile, 'utf8'),
    ...(await Promise.all(
      ['/v1/tokens', '/v1/tokens/canary', '/v1/history', '/v1/data?limit=1000', '/v1/farm', '/v1/certificates'].map(
        async (path) => (await farm.api('GET', path)).text,
      ),
    )),
    await readFile(join(farm.stateDir, 'store/croft.db'), 'latin1'),
  ]
  for (const text of told) assert.ok(!text.includes(secret))
  for (const text of told.slice(0, -1)) assert.doesNotMatch(text, /"hash"|PRIVATE KEY/)
})
