import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation } from '../../../../src/api/resources.ts'
import { type Answerer, croft, fakeDaemon, guest, operation } from '../fake-daemon.ts'

const accepted = (result: unknown, more: Partial<Operation> = {}) => ({ value: { operation: operation(more), result } })

/** Answers by `METHOD /path`. */
const by =
  (answers: Readonly<Record<string, unknown>>): Answerer =>
  ({ method, path }) =>
    Object.hasOwn(answers, `${method} ${path}`) ? { value: answers[`${method} ${path}`] } : undefined

test('create is one round trip, and says where it is', async () => {
  await using daemon = await fakeDaemon(() => accepted(guest('web')))
  const ran = await croft(
    ['create', 'web', 'debian:12', 'memory=1G', 'disk-rate=5M', 'label.owner=lark', 'label.old=', '-p', '8080:80'],
    daemon,
  )
  assert.deepEqual(ran, {
    code: 0,
    out: '✓ web running  10.100.0.1  0.11 s\n',
    err: '  croft shell web · croft ls · croft rm web\n',
  })
  assert.equal(daemon.asked.length, 1)
  const [asked] = daemon.asked
  assert.equal(asked?.query.get('wait'), '800')
  assert.deepEqual(asked?.body, {
    name: 'web',
    template: 'debian:12',
    start: true,
    ports: [{ protocol: 'tcp', hostPort: 8080, guestPort: 80 }],
    memory: '1G',
    diskRate: '5M',
    labels: { owner: 'lark', old: null },
  })
})

test('create with --json prints the guest alone', async () => {
  await using daemon = await fakeDaemon(() => accepted(guest('web')))
  const ran = await croft(['create', 'web', 'debian:12', '--json'], daemon)
  assert.deepEqual(JSON.parse(ran.out), guest('web'))
})

test('what takes longer is followed to its end, in lines that can be read later', async () => {
  const seen: (string | null)[] = []
  await using daemon = await fakeDaemon(({ method, path, query }) => {
    if (method === 'POST') return accepted(null, { state: 'running', log: ['clone'] })
    if (path === '/v1/guests/web') return { value: guest('web') }
    seen.push(`${query.get('wait')} ${query.get('seen')}`)
    return { value: operation({ state: 'done', log: ['clone', 'start'] }) }
  })
  const ran = await croft(['create', 'web', 'debian:12', '-v'], daemon)
  assert.equal(ran.code, 0)
  assert.deepEqual(seen, ['30000 1'])
  assert.match(ran.err, /^03:04:05Z create web: clone\n03:04:05Z create web: start\n/)
  assert.equal(ran.out, '✓ web running  10.100.0.1  0.11 s\n')
})

test('on a terminal there is one live line, gone at the end', async () => {
  await using daemon = await fakeDaemon(({ method, path }) => {
    if (method === 'POST') return accepted(null, { state: 'running', progress: { label: 'clone', done: 1, total: 4 } })
    return { value: path === '/v1/guests/web' ? guest('web') : operation() }
  })
  const ran = await croft(['create', 'web', 'debian:12'], { ...daemon, tty: true, env: { NO_COLOR: '1' } })
  assert.match(ran.err, /^◐ create web {2}0s {2}clone {2}25%\r\u001b\[K/)
})

test('a failed operation is its own error, on stderr, with its exit code', async () => {
  const error = {
    code: 'START_FAILED' as const,
    message: 'web did not start\nno init',
    hint: 'croft logs web --console',
  }
  await using daemon = await fakeDaemon(() => accepted(null, { state: 'failed', error }))
  const ran = await croft(['start', 'web'], daemon)
  assert.deepEqual(ran, { code: 1, out: '', err: '✗ web did not start\n    no init\n  → croft logs web --console\n' })
  const asJson = await croft(['start', 'web', '--json'], daemon)
  assert.equal(asJson.out, '')
  assert.deepEqual(JSON.parse(asJson.err), { ...error, op: 'op1op1op1' })
})

test('Ctrl-C and --timeout stop the watching, not the work', async () => {
  await using daemon = await fakeDaemon(() => accepted(null, { state: 'running' }))
  const late = await croft(['start', 'web', '--timeout', '0s'], daemon)
  assert.equal(late.code, 8)
  assert.match(late.err, /goes on.*\n {2}→ croft op wait op1op1op1 · croft op cancel op1op1op1\n/)
  let interrupt = () => {}
  await using slow = await fakeDaemon(({ method }) => {
    if (method === 'POST') return accepted(null, { state: 'running' })
    interrupt()
    return { value: operation({ state: 'running' }) }
  })
  const stopped = await croft(['start', 'web'], {
    ...slow,
    onInterruptible: (press) => {
      interrupt = press
    },
  })
  assert.equal(stopped.code, 8)
  assert.match(stopped.err, /you stopped watching[\s\S]*croft op wait op1op1op1/)
})

test('--no-wait returns at once with the id', async () => {
  await using daemon = await fakeDaemon(() => accepted(null, { state: 'running' }))
  const ran = await croft(['stop', 'web', '--no-wait'], daemon)
  assert.equal(ran.code, 0)
  assert.match(ran.out, /op1op1op1/)
  assert.equal(daemon.asked[0]?.query.get('wait'), '0')
})

test('--dry-run shows steps and exits 10 only when asked to', async () => {
  const steps = [{ what: 'web', step: 'start', detail: 'start it' }]
  await using daemon = await fakeDaemon(() => ({ value: { operation: null, result: null, steps } }))
  const ran = await croft(['create', 'web', 'debian:12', '--dry-run'], daemon)
  assert.deepEqual([ran.code, ran.out], [0, 'WHAT  STEP   DETAIL\nweb   start  start it\n'])
  assert.equal((await croft(['create', 'web', 'debian:12', '--dry-run', '--exit-code'], daemon)).code, 10)
  assert.equal(daemon.asked[0]?.query.get('dryRun'), '1')
})

test('several: globs, labels, stdin; some failing is exit 6 and each is told', async () => {
  const guests = [guest('web1'), guest('web2', { labels: { owner: 'lark' } }), guest('db', { state: 'stopped' })]
  await using daemon = await fakeDaemon(({ method, path }) => {
    if (path === '/v1/guests') return { value: guests }
    if (path === '/v1/guests/web2/actions') return { status: 409, value: { code: 'BUSY', message: 'at work' } }
    return method === 'POST' ? accepted(guest(path.split('/')[3] ?? '', { state: 'stopped' })) : undefined
  })
  const ran = await croft(['stop', 'web*'], daemon)
  assert.deepEqual(ran, { code: 6, out: '✓ web1 stopped  10.100.0.1  0.11 s\n', err: '✗ web2: at work\n' })
  const asJson = JSON.parse((await croft(['stop', 'web*', '--json'], daemon)).out)
  assert.deepEqual(
    asJson.map((each: { name: string; ok: boolean }) => [each.name, each.ok]),
    [
      ['web1', true],
      ['web2', false],
    ],
  )
  assert.equal((await croft(['stop', '-l', 'owner=lark'], daemon)).code, 6)
  assert.equal((await croft(['stop', '-', '-q'], { ...daemon, stdin: 'db\nweb1\n' })).out, 'db\nweb1\n')
  assert.equal((await croft(['stop', 'nothing*'], daemon)).code, 3)
  assert.equal((await croft(['stop'], daemon)).code, 2)
})

test('rm asks for the name to be typed, and without a terminal for --yes', async () => {
  await using daemon = await fakeDaemon(({ method }) => (method === 'GET' ? { value: guest('web') } : accepted(null)))
  const deletes = () => daemon.asked.filter(({ method }) => method === 'DELETE').length
  const mute = await croft(['rm', 'web'], daemon)
  assert.equal(mute.code, 4)
  assert.match(mute.err, /no terminal to ask on\n {2}→ say --yes/)
  const wrong = await croft(['rm', 'web'], { ...daemon, tty: true, typed: ['y'] })
  assert.equal(wrong.code, 4)
  assert.equal(deletes(), 0)
  const typed = await croft(['rm', 'web'], { ...daemon, tty: true, typed: ['web'] })
  assert.equal(typed.code, 0)
  assert.match(typed.err, /Type web to go on: /)
  assert.equal((await croft(['rm', 'web', '-y'], daemon)).out, '✓ web removed  0.11 s\n')
  assert.equal(deletes(), 2)
})

test('ls: table, filters, formats', async () => {
  const guests = [guest('web', { labels: { owner: 'lark' } }), guest('db', { state: 'failed', reason: 'no room' })]
  await using daemon = await fakeDaemon(by({ 'GET /v1/guests': guests }))
  const { out } = await croft(['ls'], daemon)
  assert.equal(
    out,
    [
      'NAME  STATE      IPV4        TEMPLATE   MEMORY  AGE  REASON',
      'web   ● running  10.100.0.1  debian:12    1 GB  3h   –',
      'db    ✗ failed   10.100.0.1  debian:12    1 GB  3h   no room',
      '',
    ].join('\n'),
  )
  assert.equal((await croft(['ls', '-l', 'owner!=lark', '-q'], daemon)).out, 'db\n')
  assert.equal(
    (await croft(['ls', '-o', 'csv', '-c', 'name,mem'], daemon)).out,
    'name,memory\r\nweb,1073741824\r\ndb,1073741824\r\n',
  )
  assert.deepEqual(JSON.parse((await croft(['ls', '--json=name,status.state'], daemon)).out)[1], {
    name: 'db',
    'status.state': 'failed',
  })
  const odd = await croft(['ls', '-o', 'jsno'], daemon)
  assert.deepEqual([odd.code, odd.err], [2, '✗ there is no output format "jsno"\n  → -o json\n'])
})

test('nobody there: exit 7; doctor makes a finding of it', async () => {
  assert.equal((await croft(['ls'])).code, 7)
  const doctor = await croft(['doctor'])
  assert.equal(doctor.code, 9)
  assert.match(doctor.out, /✗ red {3,}daemon/)
})

test('exec: croft’s own failures are 125, whatever they are', async () => {
  assert.equal((await croft(['exec', 'web', '--', 'true'])).code, 125)
  assert.equal((await croft(['exec', 'web'])).code, 125)
  assert.equal((await croft(['shell', 'web'])).code, 125)
})

test('ports and rules as words', async () => {
  await using daemon = await fakeDaemon(() => accepted(null))
  await croft(['port', 'web', '53:5353/udp', '203.0.113.7:8080:80'], daemon)
  await croft(['port', 'web', '--rm', '53/udp'], daemon)
  await croft(['allow', 'web', 'from', 'db', 'tcp/5432'], daemon)
  await croft(['deny', 'web', 'to', '10.0.0.0/8', '--log'], daemon)
  await croft(['allow', 'web', '--rm', 'from', 'db', 'tcp/5432'], daemon)
  await croft(['allow', 'web', '--rm', '--all'], daemon)
  const rule = { action: 'allow', direction: 'in', peer: 'db', service: 'tcp/5432', log: false }
  assert.deepEqual(
    daemon.asked
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path, body }) => [method, path.split('/').at(-1), body]),
    [
      ['POST', 'ports', { protocol: 'udp', hostPort: 53, guestPort: 5353 }],
      ['POST', 'ports', { protocol: 'tcp', hostPort: 8080, guestPort: 80, address: '203.0.113.7' }],
      ['DELETE', 'ports', { protocol: 'udp', hostPort: 53 }],
      ['POST', 'rules', rule],
      ['POST', 'rules', { action: 'deny', direction: 'out', peer: '10.0.0.0/8', service: 'any', log: true }],
      ['DELETE', 'rules', { rule }],
      ['DELETE', 'rules', { all: true }],
    ],
  )
  assert.equal((await croft(['allow', 'web', 'form', 'db'], daemon)).code, 2)
  assert.equal((await croft(['port', 'web', '80'], daemon)).code, 2)
})

test('a rule that has no effect, or takes names away, says so', async () => {
  const service = { protocol: 'tcp', from: 80, to: 80 }
  const dead = { action: 'allow', direction: 'in', peer: 'nope', service, log: false, packets: null }
  const rules: unknown[] = [{ ...dead, never: 'no guest is named "nope"' }]
  await using daemon = await fakeDaemon(({ method }) =>
    method === 'GET' ? { value: { items: rules } } : accepted(null),
  )
  const { err } = await croft(['allow', 'web', 'from', 'nope', 'tcp/80'], daemon)
  assert.match(err, /without effect for now: no guest is named "nope"/)
  rules.push({ ...dead, direction: 'out', peer: 'any', packets: 0 })
  assert.match(
    (await croft(['allow', 'web', 'to', 'any', 'tcp/80'], daemon)).err,
    /croft allow web to 169\.254\.0\.1 udp\/53/,
  )
  rules.push({ ...dead, direction: 'out', peer: 'any', service: { protocol: 'udp', from: 53, to: 53 }, packets: 0 })
  assert.doesNotMatch((await croft(['allow', 'web', 'to', 'any', 'tcp/80'], daemon)).err, /udp/)
})

test('rules are listed with counters and the reason why one never matches', async () => {
  const rules = [
    {
      action: 'allow',
      direction: 'in',
      peer: 'db',
      service: { protocol: 'tcp', from: 5432, to: 5432 },
      log: false,
      packets: 12,
    },
    {
      action: 'deny',
      direction: 'out',
      peer: 'any',
      service: { protocol: 'udp', from: 1, to: 9 },
      log: true,
      packets: null,
      never: 'no such guest',
    },
  ]
  await using daemon = await fakeDaemon(by({ 'GET /v1/guests/web/rules': rules }))
  const { out } = await croft(['allow', 'web'], daemon)
  assert.equal(
    out,
    [
      'ACTION  WAY   PEER  SERVICE   LOG  PACKETS  NEVER',
      'allow   from  db    tcp/5432  –         12  –',
      'deny    to    any   udp/1-9   yes        –  no such guest',
      '',
    ].join('\n'),
  )
})

test('edit sends only what was changed, and only if nobody else changed it', async () => {
  await using daemon = await fakeDaemon(({ method }) =>
    method === 'GET' ? { value: guest('web', { labels: { a: '1', b: '2' } }) } : accepted(null),
  )
  const settings = { memory: '2G', cpu: null, labels: { a: '1', c: '3' }, autostart: true }
  const ran = await croft(['edit', 'web', '-f', '-'], { ...daemon, stdin: `# hello\n${JSON.stringify(settings)}` })
  assert.equal(ran.out, '✓ web memory labels\n')
  const [, asked] = daemon.asked
  assert.deepEqual(asked?.body, { memory: '2G', labels: { b: null, c: '3' } })
  assert.equal(asked?.query.get('ifRevision'), '7')
  assert.equal(
    (await croft(['edit', 'web', '-f', '-'], { ...daemon, stdin: '{"memory":"1G"}' })).out,
    '✓ web is as it was\n',
  )
  assert.equal((await croft(['edit', 'web', '-f', '-'], { ...daemon, stdin: '[' })).code, 2)
})

test('--wait=stable looks until it has run for two seconds', async () => {
  let looks = 0
  const young = { ...guest('web').status, startedAt: '2026-01-02T03:04:04Z' }
  await using daemon = await fakeDaemon(({ method }) => {
    if (method === 'POST') return accepted({ ...guest('web'), status: young })
    looks += 1
    return { value: looks < 3 ? { ...guest('web'), status: young } : guest('web') }
  })
  const ran = await croft(['start', 'web', '--wait=stable'], daemon)
  assert.deepEqual([ran.code, looks], [0, 3])
  assert.equal((await croft(['start', 'web', '--wait=sometime'], daemon)).code, 2)
})

test('snapshots, templates, history by the shape of the word', async () => {
  await using daemon = await fakeDaemon(({ path }) =>
    path === '/v1/history' ? { value: [] } : accepted({ name: 's1' }),
  )
  await croft(['snapshot', 'add', 'web'], daemon)
  await croft(['restore', 'web@monday', '-y'], daemon)
  await croft(['rm', 'web@monday', '-y'], daemon)
  await croft(['rm', 'debian:12', '-y'], daemon)
  await croft(['history', 'web@monday'], daemon)
  await croft(['revert', 'guest/web', '41', '--reason', 'too small'], daemon)
  assert.deepEqual(
    daemon.asked.map(({ method, path, query, body }) => [
      `${method} ${path}`,
      query.get('name') ?? query.get('reason'),
      body,
    ]),
    [
      ['POST /v1/guests/web/snapshots', null, {}],
      ['POST /v1/guests/web/snapshots/monday/restore', null, undefined],
      ['DELETE /v1/guests/web/snapshots/monday', null, undefined],
      ['DELETE /v1/templates/debian%3A12', null, undefined],
      ['GET /v1/history', 'web@monday', undefined],
      ['POST /v1/revert', 'too small', { kind: 'guest', name: 'web', revision: 41 }],
    ],
  )
})

test('api and data hand on JSON as it is', async () => {
  await using daemon = await fakeDaemon(({ method }) =>
    method === 'GET' ? { value: [{ key: 'a', revision: 1, value: { x: 1 } }] } : accepted(null),
  )
  assert.equal((await croft(['data', 'get', 'a'], daemon)).out, '{\n  "x": 1\n}\n')
  assert.equal((await croft(['data', 'get', 'b'], daemon)).code, 3)
  assert.equal((await croft(['data', 'set', 'a', '{"x":2}'], daemon)).code, 4)
  await croft(['data', 'set', 'a', '-', '-y'], { ...daemon, stdin: '{"x":2}' })
  assert.deepEqual(daemon.asked.at(-1)?.body, { value: { x: 2 } })
  const raw = await croft(['api', 'get', '/v1/x'], daemon)
  assert.deepEqual(JSON.parse(raw.out), [{ key: 'a', revision: 1, value: { x: 1 } }])
  assert.equal((await croft(['api', 'GET', '/v1/x y'], daemon)).code, 2)
})

test('an operation is watched to its end and exits as it does', async () => {
  await using daemon = await fakeDaemon(() => ({
    value: operation({ state: 'failed', error: { code: 'POOL_FULL', message: 'no room' } }),
  }))
  assert.deepEqual(await croft(['op', 'wait', 'op1op1op1'], daemon), { code: 1, out: '', err: '✗ no room\n' })
})

test('status is one screen', async () => {
  const status = {
    farm: { name: 'meadow' },
    host: 'ash',
    version: '1.0',
    store: { kind: 'sqlite', revision: 41, ok: true },
    guests: { running: 3, stopped: 1, failed: 0 },
    attention: [{ what: 'web', why: 'failed five times', do: 'croft start web' }],
  }
  await using daemon = await fakeDaemon(() => ({ value: status }))
  assert.equal(
    (await croft(['status'], daemon)).out,
    [
      'farm meadow   host ash   croft 1.0',
      'store sqlite ✓   revision 41',
      'guests 3 ● running   1 ○ stopped',
      '',
      '▲ web  failed five times  → croft start web',
      '',
    ].join('\n'),
  )
  assert.deepEqual(JSON.parse((await croft(['status', '--json'], daemon)).out), status)
})

test('help for everything, a foreign word named once, an unknown word with its neighbour', async () => {
  const all = await croft(['help'])
  assert.match(all.out, /create NAME TEMPLATE/)
  assert.doesNotMatch(all.out, /daemon {2}/)
  assert.match((await croft(['create', '--help'])).out, /examples\n {2}croft create web debian:12\n/)
  assert.match((await croft(['help', 'snapshot'])).out, /snapshot restore SNAPSHOT/)
  assert.deepEqual(await croft(['satrt', 'web']), {
    code: 2,
    out: '',
    err: '✗ there is no command "satrt"\n  → croft start\n',
  })
  await using daemon = await fakeDaemon(by({ 'GET /v1/guests': [guest('web')] }))
  const listed = await croft(['list'], daemon)
  assert.equal(listed.err, '"list" is "ls" here\n')
})
