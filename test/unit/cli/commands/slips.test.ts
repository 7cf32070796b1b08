/** Small mercies: beginnings of ids, fields that cannot be, names that nobody knows, snapshots that are not there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBytes } from '../../../../src/api/guest.ts'
import { croft, fakeDaemon, guest, operation } from '../fake-daemon.ts'

const ids = ['abcd1234abcd1234abcd', 'abce1234abcd1234abcd', 'zzzz1234abcd1234abcd']

test('a beginning of an operation’s id will do when only one begins so', async () => {
  await using daemon = await fakeDaemon(({ path }) => {
    if (path === '/v1/operations') return { value: ids.map((id) => operation({ id, log: [id] })) }
    const id = path.split('/')[3] ?? ''
    if (ids.includes(id)) return { value: operation({ id, log: ['one', 'two\u001b[2J'] }) }
    return { status: 404, value: { error: { code: 'OPERATION_NOT_FOUND', message: 'none' } } }
  })
  const run = (...words: string[]) => croft(['op', ...words], daemon)
  assert.equal((await run('logs', 'zz')).out, 'one\ntwo\\e[2J\n')
  assert.equal((await run('logs', ids[0] ?? '')).out, 'one\ntwo\\e[2J\n')
  assert.match((await run('show', 'abcd1234ab')).out, /abcd1234abcd1234abcd/)
  const two = await run('show', 'abc')
  assert.deepEqual([two.code, /2 operations begin/.test(two.err)], [2, true])
  for (const verb of ['show', 'wait', 'cancel', 'logs']) assert.equal((await run(verb, 'nothing-so')).code, 3, verb)
  assert.equal((await run('show', 'qqq')).code, 3)
})

test('--json of a field that cannot be is refused, of one that only some have is not', async () => {
  await using daemon = await fakeDaemon(({ path }) => ({
    value: path === '/v1/guests' ? [guest('web')] : guest('web'),
  }))
  for (const words of [
    ['ls', '--json=name,foo'],
    ['show', 'web', '--json=foo.bar'],
    ['ls', '-o', 'yaml', '--json=foo'],
  ]) {
    const ran = await croft(words, daemon)
    assert.deepEqual([ran.code, ran.out], [2, ''], words.join(' '))
    assert.match(ran.err, /no field .?"foo/)
  }
  assert.match((await croft(['ls', '--json=nane'], daemon)).err, /--json=name/)
  for (const fields of ['name,ipv4', 'status.reason', 'deleting,name'])
    assert.equal((await croft(['ls', `--json=${fields}`], daemon)).code, 0, fields)
})

test('the history of what nobody knows is not found; of a guest without any it is empty', async () => {
  await using daemon = await fakeDaemon(({ path }) => ({ value: path === '/v1/guests' ? [guest('web')] : [] }))
  assert.equal((await croft(['history', 'nope'], daemon)).code, 3)
  assert.equal((await croft(['history', 'template', 'nope:1'], daemon)).code, 3)
  assert.equal((await croft(['history', 'web'], daemon)).code, 0)
  assert.equal((await croft(['history'], daemon)).code, 0)
})

test('what is swapped, said as a setting or by another word leads to what is meant', async () => {
  await using daemon = await fakeDaemon(({ path, method }) => {
    if (method === 'GET') return { value: [{ name: 'birch' }] }
    const [code, message] = path.endsWith('/move')
      ? ['GUEST_NOT_FOUND', 'no guest "birch"']
      : ['EXISTS', 'there is a route "a.example.org"']
    const hint = 'croft route set a.example.org'
    return { status: 404, value: { error: { code, message, hint } } }
  })
  const err = async (...words: string[]) => (await croft(words, daemon)).err
  assert.match(await err('move', 'birch', 'web'), /"birch" is a host; the guest comes first\n.*croft move web birch/)
  assert.match(await err('create', 'web', 'debian:12', '--on', 'birch'), /--host/)
  assert.match(await err('create', 'web', 'debian:12', 'host=birch'), /--host birch/)
  assert.match(await err('route', 'add', 'a.example.org', 'web:80'), /route set a\.example\.org to=web:80/)
  const small = MemoryBytes.safeParse('128').error?.issues[0]?.message
  assert.deepEqual(
    [small, MemoryBytes.safeParse('8M').error?.issues[0]?.message],
    ['must be at least 16M; 128M?', 'must be at least 16M'],
  )
})

test('nobody is asked about a snapshot that is not there', async () => {
  const one = { guest: 'web', name: 'one', state: 'ready', sizeBytes: 1, created: '2026-01-02T00:00:00Z' }
  await using daemon = await fakeDaemon(({ path, method }) => ({
    value: method === 'GET' && path === '/v1/snapshots' ? [one] : { operation: null, result: null },
  }))
  for (const words of [
    ['restore', 'web@two'],
    ['snapshot', 'rm', 'web@two'],
  ]) {
    const ran = await croft(words, { ...daemon, tty: true })
    assert.deepEqual([ran.code, /Type/.test(ran.err)], [3, false], words.join(' '))
  }
  const asked = await croft(['restore', 'web@one'], { ...daemon, tty: true, typed: ['web'] })
  assert.deepEqual([asked.code, /Type web/.test(asked.err)], [0, true])
})

test('a revert of what is as before says that there was nothing to do; the last few operations by --tail too', async () => {
  await using daemon = await fakeDaemon(({ path, query }) => {
    if (path === '/v1/revert') return { value: { operation: null, result: guest('web'), unchanged: true } }
    return { value: [operation({ log: [query.get('limit') ?? 'all'] })] }
  })
  assert.match((await croft(['revert', 'web', '41'], daemon)).out, /nothing to do, it is as before revision 41/)
  assert.match((await croft(['op', 'ls', '--tail', '5', '--json'], daemon)).out, /"5"/)
})

test('the words of other tools lead to the guide that says the same in ours', async () => {
  for (const [tool, guide] of [
    ['pct', 'from-proxmox'],
    ['lxc', 'from-incus'],
  ]) {
    const { code, err } = await croft([tool ?? '', 'list'])
    assert.equal(code, 2)
    assert.match(err, new RegExp(`croft help .*docs/guides/${guide}.md`))
  }
})

test('what was started again without a wish is shown so', async () => {
  const status = { ...guest('web').status, revived: true }
  await using daemon = await fakeDaemon(() => ({ value: { ...guest('web'), status } }))
  assert.match((await croft(['show', 'web'], daemon)).out, /started +\S+\n +again, for it had ended by itself/)
})

test('an instance is a guest to look into; globs and --all are of guests that people made', async () => {
  const part = { kind: 'instance', site: 'shop/prod', slot: 1, release: 'shop:v1' } as const
  const own = guest('web')
  const guests = [
    own,
    { ...own, name: 'shop/prod/1', spec: { ...own.spec, part } },
    { ...own, name: 'shop/build/b1', spec: { ...own.spec, part: { kind: 'build', id: 'b1' } as const } },
  ]
  await using daemon = await fakeDaemon(({ path }) => {
    if (path === '/v1/guests') return { value: guests }
    const named = guests.find(({ name }) => path === `/v1/guests/${encodeURIComponent(name)}`)
    if (named) return { value: named }
    return path.endsWith('/actions') ? { value: { operation: null, result: own } } : { value: [] }
  })
  const run = (...words: string[]) => croft(words, daemon)
  const names = async (...words: string[]) => (await run('ls', '-q', ...words)).out.trim().split('\n')
  assert.deepEqual(await names(), ['web', 'shop/prod/1'])
  assert.deepEqual(await names('--all'), ['web', 'shop/prod/1', 'shop/build/b1'])
  assert.deepEqual(await names('shop/build/*'), ['shop/build/b1'])
  assert.match((await run('show', 'shop/prod/1')).out, /site +shop\/prod/)
  const acted = () => daemon.asked.filter(({ method }) => method === 'POST').map(({ path }) => path)
  for (const word of ['*', '--all']) {
    const { code, err } = await run('stop', word)
    assert.deepEqual([code, /2 of sites or builds are left alone: croft site ls/.test(err)], [0, true], err)
  }
  assert.deepEqual([...new Set(acted())], ['/v1/guests/web/actions'])
  await run('stop', 'shop/prod/*')
  assert.equal(acted().at(-1), '/v1/guests/shop%2Fprod%2F1/actions')
})
