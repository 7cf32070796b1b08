/** How commands answer: JSON, dry runs, revisions, globs and labels, and many guests at a time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import type { Operation } from '../../src/api/resources.ts'
import { useFarm } from './farm.ts'

const farm = await useFarm()

const names = async (...words: string[]): Promise<string[]> =>
  (await farm.croftOk('ls', '-q', ...words)).split('\n').filter((name) => name !== '')

test('--dry-run changes nothing, and --exit-code tells whether there is something to do', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  const before = await farm.picture()
  const revision = (await farm.json<Guest>('show', 'web')).revision
  for (const words of [
    ['create', 'other', 'debian:12'],
    ['start', 'web'],
    ['set', 'web', 'memory=512M'],
    ['clone', 'web', 'other'],
    ['rename', 'web', 'other'],
    ['snapshot', 'add', 'web@one'],
    ['rm', 'web', '-y'],
  ]) {
    const said = await farm.croft(...words, '--dry-run', '--exit-code')
    assert.equal(said.code, 10, `${words.join(' ')}: ${said.stderr}`)
  }
  for (const words of [
    ['stop', 'web'],
    ['host', 'apply'],
    ['set', 'web', 'memory=1G'],
  ]) {
    const said = await farm.croft(...words, '--dry-run', '--exit-code')
    assert.equal(said.code, 0, `${words.join(' ')}: ${said.stdout}${said.stderr}`)
  }
  const steps = async (...words: string[]) =>
    (await farm.json<{ step: string }[]>(...words, '--dry-run')).map(({ step }) => step)
  assert.deepEqual(await steps('start', 'web'), ['openFirewall', 'start', 'tuneLink'])
  assert.deepEqual(await steps('set', 'web', 'memory=512M'), ['limits', 'define'])
  assert.deepEqual((await steps('rm', 'web', '-y')).slice(-2), ['removeRuntime', 'forget'])
  // What an earlier guest left may still go by itself meanwhile.
  assert.deepEqual(await farm.leftovers(before), [])
  assert.equal((await farm.json<Guest>('show', 'web')).revision, revision)
})

test('--if-revision: of two who read the same, the second is told', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  const { revision } = await farm.json<Guest>('show', 'web')
  const set = (memory: string) => farm.croft('set', 'web', `memory=${memory}`, '--if-revision', String(revision))
  assert.deepEqual((await Promise.all([set('300M'), set('400M')])).map(({ code }) => code).sort(), [0, 5])
  const late = await farm.croft('set', 'web', 'memory=500M', '--if-revision', String(revision), '--json')
  assert.equal(late.code, 5)
  assert.match(late.stdout + late.stderr, /CHANGED_MEANWHILE/)
})

test('globs, labels, stdin, and some of several that fail', async () => {
  await Promise.all(
    ['web1', 'web2', 'db1'].map((name) =>
      farm.croftOk('create', name, 'debian:12', '--no-start', `label.kind=${name.replace(/\d/, '')}`),
    ),
  )
  assert.deepEqual(await names(), ['db1', 'web1', 'web2'])
  assert.deepEqual(await names('web*'), ['web1', 'web2'])
  assert.deepEqual(await names('-l', 'kind=db'), ['db1'])
  await farm.croftOk('set', 'web*', 'label.owner=lark')
  assert.deepEqual(await names('-l', 'owner=lark'), ['web1', 'web2'])
  await farm.croftOk('start', '-l', 'owner=lark')
  const states = await farm.json<Guest[]>('ls')
  assert.deepEqual(states.map(({ name, status }) => `${name} ${status?.state}`).sort(), [
    'db1 stopped',
    'web1 running',
    'web2 running',
  ])
  const some = await farm.croft('stop', 'web1', 'nobody', 'web2', '--json')
  assert.equal(some.code, 6)
  const told = JSON.parse(some.stdout) as { name: string; error?: { code: string } }[]
  assert.deepEqual(
    told.map(({ name, error }) => `${name} ${error?.code ?? 'ok'}`),
    ['web1 ok', 'nobody GUEST_NOT_FOUND', 'web2 ok'],
  )
  const piped = await farm.croftWith({ stdin: 'web1\ndb1\n' }, 'rm', '-', '-y')
  assert.equal(piped.code, 0, piped.stderr)
  assert.deepEqual(await names(), ['web2'])
})

test('exec in several: each line bears its name, and one that fails is told', async () => {
  await Promise.all(['one', 'two'].map((name) => farm.croftOk('create', name, 'debian:12')))
  const said = await farm.croft('exec', 'one', 'two', '--', 'hostname')
  assert.equal(said.code, 0, said.stderr)
  assert.deepEqual(said.stdout.trim().split('\n').sort(), ['one | one', 'two | two'])
  assert.equal((await farm.croft('exec', 'one', 'two', '--', 'sh', '-c', 'test "$(hostname)" = one')).code, 6)
})

test('--no-wait gives an operation, op wait sees it through, --timeout leaves it', async () => {
  const { stdout, code } = await farm.croft('create', 'web', 'debian:12', '--no-wait', '--json')
  assert.equal(code, 0)
  const { id } = JSON.parse(stdout) as Operation
  if (id !== undefined) await farm.croftOk('op', 'wait', id)
  await farm.waitFor(async () => (await farm.json<Guest>('show', 'web')).status?.state === 'running')
  const listed = await farm.json<Operation[]>('op', 'ls')
  assert.ok(listed.some(({ verb, target, state }) => verb === 'create' && target.name === 'web' && state === 'done'))
})

test('two commands on one guest at once: both are told, and the last wish is met', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  const said = await Promise.all([
    farm.croft('set', 'web', 'label.a=1'),
    farm.croft('set', 'web', 'label.b=2'),
    farm.croft('restart', 'web'),
    farm.croft('restart', 'web'),
  ])
  assert.deepEqual(
    said.map(({ code, stderr }) => `${code}${code === 0 ? '' : stderr}`),
    ['0', '0', '0', '0'],
  )
  const guest = await farm.json<Guest>('show', 'web')
  assert.deepEqual(guest.spec.labels, { a: '1', b: '2' })
  assert.equal(guest.spec.restarts, 2)
  const racing = await Promise.all([
    farm.croft('rm', 'web', '-y'),
    farm.croft('start', 'web'),
    farm.croft('rm', 'web', '-y'),
  ])
  assert.ok(
    racing.every(({ code }) => [0, 3, 5].includes(code ?? -1)),
    JSON.stringify(racing),
  )
  await farm.croft('rm', 'web', '-y')
})

test('the lists, shows and tables of every noun answer', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '-p', '8080:80')
  await farm.croftOk('snapshot', 'add', 'web@one')
  const lists = ['guest', 'snapshot', 'template', 'host', 'pool', 'network', 'size', 'op']
  for (const noun of lists) {
    for (const format of ['table', 'wide', 'json', 'jsonl', 'yaml', 'csv', 'name']) {
      const said = await farm.croftOk(noun, 'ls', '-o', format)
      assert.notEqual(said.trim(), '', `${noun} ls -o ${format}`)
    }
  }
  const shows = [
    ['web'],
    ['template', 'debian:12'],
    ['host', farm.hostName],
    ['pool', 'default'],
    ['network', 'default'],
  ]
  for (const [noun = '', ...name] of shows)
    await farm.croftOk(...(name.length ? [noun, 'show', ...name] : ['show', noun]))
  for (const words of [['status'], ['history'], ['history', 'web'], ['top'], ['data', 'ls'], ['port', 'web']])
    assert.notEqual((await farm.croftOk(...words)).trim(), '', words.join(' '))
})
