/** The second door: who reads may look at everything that is a record, and change nothing. */
import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { type Route, routes } from '../../src/api/routes.ts'
import { useFarm } from './farm.ts'
import { ask } from './request.ts'

const farm = await useFarm()
const socket = join(dirname(farm.socket), 'read.sock')

test('a reader lists and shows, and is refused every change with exit 4', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  const as = (...words: string[]) => farm.croftWith({ env: { CROFT_SOCKET: socket } }, ...words)
  assert.match((await as('ls')).stdout, /web/)
  assert.equal((await as('show', 'web')).code, 0)
  const refused = await as('set', 'web', 'memory=512M')
  assert.equal(refused.code, 4)
  assert.match(refused.stderr, /may not change a guest/)
  assert.equal((await as('rm', 'web', '-y')).code, 4)
  assert.equal((await farm.json<unknown[]>('ls')).length, 1)
})

test('every route of the table: what is not reading is FORBIDDEN at this door, before anything is looked up', async () => {
  for (const [name, { method, path, access }] of Object.entries(routes) as [string, Route][]) {
    const { status, body } = await ask(socket, {
      method,
      path: path.replaceAll(/:[a-z]+/g, 'nobody'),
      ...(method === 'GET' ? {} : { body: {} }),
    })
    const code = (body as { code?: string } | undefined)?.code
    // What hosts say to each other is nobody else's, reading too.
    if (access.verb === 'read' && access.noun !== 'peer') assert.notEqual(code, 'FORBIDDEN', name)
    else assert.deepEqual([status, code], [403, 'FORBIDDEN'], name)
  }
})

test('without a group croft only root may open it', async () => {
  const { mode, uid } = await stat(socket)
  assert.equal(uid, 0)
  assert.equal(mode & 0o007, 0)
})
