/** What goes both ways between hosts: sessions in guests, files, and what is followed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { isCode } from '../../src/api/errors.ts'
import { pipeAfar } from '../../src/cli/process/afar.ts'
import { localLine } from '../../src/cli/wire/line.ts'
import { errorBody, RemoteError } from '../../src/cli/wire/request.ts'
import { upgrade } from '../../src/cli/wire/upgrade.ts'
import type { LeaderRecord } from '../../src/daemon/farm/leader.ts'
import { keys } from '../../src/daemon/records/keys.ts'
import { type HostRecord, read } from '../../src/daemon/records/records.ts'
import { HostsFarm, until } from './hosts-farm.ts'

let farm: HostsFarm
before(async () => {
  farm = await HostsFarm.open('ash', 'birch')
  await farm.templates()
  await farm.ask('birch', 'POST', '/v1/guests?wait=20000', { name: 'web', template: 'birch:1', host: 'birch' })
})
after(() => farm?.close())

async function exec(host: string, guest: string, command: readonly string[], said: string[] = []) {
  const open = async () => {
    const opened = await upgrade(localLine(farm.get(host).socket), `/v1/guests/${guest}/exec`)
    if ('socket' in opened) return opened
    throw new RemoteError(errorBody(opened, JSON.parse(opened.body)))
  }
  const exit = await pipeAfar(
    { open, start: { command: [...command], env: { WORD: 'hello' } } },
    { onLine: (line, from) => said.push(`${from}: ${line}`) },
  )
  return { exit, said }
}

test('a session on another host: words out, exit codes, what is refused', async () => {
  const { exit, said } = await exec('ash', 'web', ['sh', '-c', 'echo $WORD; echo no >&2; exit 7'])
  assert.deepEqual([exit, said.sort()], [7, ['stderr: no', 'stdout: hello']])
  const long = await exec('ash', 'web', ['sh', '-c', 'seq 1 50000'])
  assert.deepEqual([long.exit, long.said.length, long.said.at(-1)], [0, 50_000, 'stdout: 50000'])
  await assert.rejects(exec('ash', 'nobody', ['true']), (thrown) => isCode(thrown, 'GUEST_NOT_FOUND'))
  await farm.ask('ash', 'POST', '/v1/guests/web/actions?wait=20000', { do: 'stop' })
  await assert.rejects(exec('ash', 'web', ['true']), (thrown) => isCode(thrown, 'NOT_RUNNING'))
})

test('a session ends with its host', async () => {
  await farm.ask('ash', 'POST', '/v1/guests/web/actions?wait=20000', { do: 'start' })
  const heard: string[] = []
  const running = exec('ash', 'web', ['sh', '-c', 'echo there; sleep 60'], heard)
  await until('it runs', () => heard.length > 0)
  const ended = assert.rejects(running, (thrown) => isCode(thrown, 'UNREACHABLE') || isCode(thrown, 'CANCELLED'))
  await farm.get('birch').close()
  await ended
  await farm.boot('birch')
})

test('a file that is sent lies where it is used: with who leads', async () => {
  const bytes = Buffer.alloc(3_000_000, 'croft')
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>()
  const sent = request(
    {
      ...{ socketPath: farm.get('birch').socket, method: 'POST', path: '/v1/uploads', agent: false },
      headers: { 'content-type': 'application/octet-stream' },
    },
    async (answer) => resolve((await json(answer)) as Record<string, unknown>),
  ).on('error', reject)
  Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)]).pipe(sent)
  const said = await promise
  assert.equal(said.sha256, createHash('sha256').update(bytes).digest('hex'), JSON.stringify(said))
  const leader = (await read<LeaderRecord>(farm.store, keys.leader))?.value.host
  const holders = ['ash', 'birch'].filter((name) => existsSync(join(farm.folder, name, 'uploads', String(said.id))))
  assert.deepEqual(holders, [leader])
})

test('a token that is removed on one host reads no line more of what it opened on another', async () => {
  const { said } = await farm.ask<{ result: { secret: string } }>('ash', 'POST', '/v1/tokens', {
    ...{ name: 'laptop', role: 'reader' },
  })
  const { value } = (await read<HostRecord>(farm.store, keys.host('birch'))) ?? assert.fail()
  const [host, port] = (value.address ?? '').split(':')
  const [opened, ended] = [Promise.withResolvers<number>(), Promise.withResolvers<void>()]
  secureRequest({
    ...{ host, port: Number(port), path: '/v1/events?follow=1', rejectUnauthorized: false, agent: false },
    headers: { authorization: `Bearer ${said.result.secret}` },
  })
    .on('response', (answer) => {
      opened.resolve(answer.statusCode ?? 0)
      answer.on('error', () => undefined).on('close', () => ended.resolve())
      answer.resume()
    })
    .on('error', opened.reject)
    .end()
  assert.equal(await opened.promise, 200)
  assert.equal((await farm.ask('ash', 'DELETE', '/v1/tokens/laptop')).status, 200)
  await ended.promise
})
