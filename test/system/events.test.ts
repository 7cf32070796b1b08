/** What happens is told, in order, each once: over restarts of the daemon, to readers fast and slow. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { FarmEvent } from '../../src/api/events.ts'
import { createQuick, done, getGuest, useQuickFarm } from './quick.ts'
import { ask } from './request.ts'

const farm = await useQuickFarm()

const act = (name: string, verb: string) => done(farm, 'POST', `/v1/guests/${name}/actions`, { do: verb })
const parseLines = (text: string): (FarmEvent & { error?: { code: string } })[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
const isEvent = (line: object): boolean => 'event' in line
const ofGuest = (events: readonly FarmEvent[]): string[] =>
  events.filter(({ kind }) => kind === 'guest').map(({ name, event }) => `${name} ${event}`)

const linesOf = async (query: string) => parseLines((await farm.api('GET', `/v1/events${query}`)).text)
const eventsSince = async (cursor: string, more = '') => (await linesOf(`?cursor=${cursor}${more}`)).filter(isEvent)
/** Where the stream is now: the first line of one that begins. */
const here = async (): Promise<string> => (await linesOf(''))[0]?.cursor ?? ''

test('a life told in order, and from each cursor on exactly the rest of it', async () => {
  const start = await here()
  await createQuick(farm, 'web')
  for (const verb of ['stop', 'start', 'freeze', 'unfreeze', 'restart']) await act('web', verb)
  await done(farm, 'PATCH', '/v1/guests/web', { memory: '512M', labels: { owner: 'lark' } })
  await done(farm, 'POST', '/v1/guests/web/snapshots', { name: 'monday' })
  await done(farm, 'POST', '/v1/guests/web/rename', { name: 'shop' })
  await done(farm, 'DELETE', '/v1/guests/shop/snapshots/monday')
  await farm.croftOk('rm', 'shop', '-y', '--reason', 'no more')
  const all = await eventsSince(start)
  const told = 'created started stopped started frozen unfrozen stopped started changed'
  assert.deepEqual(ofGuest(all), [
    ...told.split(' ').map((event) => `web ${event}`),
    ...['shop renamed', 'shop removing', 'shop removed'],
  ])
  assert.deepEqual(
    all.filter(({ kind }) => kind === 'snapshot').map(({ name, event }) => `${name} ${event}`),
    ['web@monday taken', 'web@monday removed'],
  )
  const ops = all.filter(({ kind }) => kind === 'op').map(({ event }) => event)
  assert.deepEqual([ops.filter((event) => event === 'started').length, ops.length], [11, 22])
  for (const [index, { cursor }] of all.entries())
    assert.deepEqual(await eventsSince(cursor), all.slice(index + 1), `behind event ${index}`)
  const changed = all.find(({ event }) => event === 'changed')
  assert.deepEqual([changed?.by, changed?.detail], ['root', 'limits, labels'])
  assert.equal(all.find(({ event }) => event === 'removing')?.reason, 'no more')
  for (const { at } of all) assert.match(at, /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/)
})

test('croft events -f goes on over a daemon that is killed: a death is told, nothing is lost, nothing comes twice', async () => {
  await createQuick(farm, 'web')
  const start = await here()
  let text = ''
  const following = farm.background(
    'host',
    {
      file: process.execPath,
      args: [process.env.CROFT_ENTRY || new URL('../../src/cli/main.ts', import.meta.url).pathname].concat(
        `events -f --kind guest --since ${start} -o jsonl`.split(' '),
      ),
    },
    'pipe',
  )
  following.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const has = (...events: string[]) =>
    farm.waitFor(() => ofGuest(parseLines(text)).join() === events.join(), 60_000, `${events}; there is ${text}`)
  await act('web', 'stop')
  await act('web', 'start')
  await has('web stopped', 'web started')
  const { number } = await getGuest(farm, 'web')
  const seen = await farm.host({
    file: 'lxc-info',
    args: ['-P', join(farm.stateDir, 'lxc'), '-n', String(number), '-p', '-H'],
  })
  await farm.stopDaemon('SIGKILL')
  process.kill(Number(seen.stdout.trim()), 'SIGKILL')
  await farm.startDaemon()
  await has('web stopped', 'web started', 'web died', 'web started')
  await act('web', 'kill')
  await farm.restartDaemon({ kill: 'SIGKILL' })
  await has('web stopped', 'web started', 'web died', 'web started', 'web stopped')
  const told = parseLines(text)
  assert.deepEqual(told, await eventsSince(start, '&kind=guest'))
  following.kill('SIGINT')
})

test('a cursor of another store, of the future or of no form is COMPACTED, with a hint', async () => {
  const other = '11111111-2222-3333-4444-555555555555:1'
  for (const cursor of [other, `${(await here()).split(':')[0]}:99999999`, 'nonsense', 'a:b.c', `${other}.1`, '%3a']) {
    const { status, body } = await farm.api('GET', `/v1/events?cursor=${cursor}&follow=1`)
    assert.deepEqual([status, (body as { code: string }).code], [410, 'COMPACTED'], cursor)
  }
  const said = await farm.croft('events', '-f', '--since', other)
  assert.equal(said.code, 5, said.stderr)
  assert.match(said.stderr, /it is of another store.*\n.*croft events/)
  assert.equal((await farm.api('GET', '/v1/events?kind=nothing')).status, 400)
})

test('a reader is told too; who reads nothing costs the daemon nothing', async () => {
  await createQuick(farm, 'web')
  const reader = await ask(join(dirname(farm.socket), 'read.sock'), { method: 'GET', path: '/v1/events?tail=5' })
  assert.equal(parseLines(reader.text).filter(isEvent).length, 5)
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${farm.daemonPid}/status`, 'utf8'))?.[1])
  const start = await here()
  const stuck = await Promise.all(Array.from({ length: 20 }, () => open(`/v1/events?follow=1&cursor=${start}`)))
  const before = memory()
  const padding = 'x'.repeat(190)
  for (let round = 0; round < 120; round++)
    await done(farm, 'PATCH', '/v1/guests/web', { labels: { round: String(round), padding } })
  assert.ok(memory() - before < 60_000, `${memory() - before} KB more`)
  const seen = ofGuest(await eventsSince(start))
  assert.equal(seen.length, 120)
  for (const socket of stuck) socket.destroy()
  assert.equal((await farm.croft('ls')).code, 0)
})

/** Asks, and reads nothing. */
function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(farm.socket, () => {
      socket.pause().write(`GET ${path} HTTP/1.1\r\nhost: croft\r\n\r\n`)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}
