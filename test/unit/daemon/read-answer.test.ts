/** What another host answers is bounded for whoever asks: in bytes and in time. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { askJson } from '../../../src/daemon/moves/ask.ts'
import { farInside } from '../../../src/daemon/peers/far-inside.ts'
import type { Others } from '../../../src/daemon/peers/others.ts'
import type { PeerAnswer } from '../../../src/daemon/peers/peers.ts'
import { readAnswer, readJson } from '../../../src/daemon/peers/read-answer.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'

const mebibyte = 1024 ** 2
/** Ends by itself at last, so that who reads on fails rather than fills the machine. */
function* spaces() {
  for (let count = 0; count < 64; count++) yield Buffer.alloc(mebibyte, ' ')
}
const flooding = (status: number) => {
  const body = Readable.from(spaces())
  const answer: PeerAnswer = { status, headers: {}, body }
  return { body, peers: { request: async () => answer, upgrade: async () => answer, close() {} } }
}

test('more than such an answer can be is not read, nor one that does not end', async () => {
  await assert.rejects(
    readAnswer('birch', Readable.from(['abc', 'def']), { mostBytes: 5 }),
    (thrown) => isCode(thrown, 'FAILED') && /host birch gives an answer of more than/.test(String(thrown)),
  )
  const silent = new Readable({ read() {} })
  silent.push('{')
  await assert.rejects(readAnswer('birch', silent, { withinMs: 20 }), /host birch gives an answer that does not end/)
  assert.ok(silent.destroyed)
  const two = Buffer.from('{"a":"é"}')
  assert.deepEqual(await readJson('birch', Readable.from([two.subarray(0, 7), two.subarray(7)])), { a: 'é' })
  await assert.rejects(readJson('birch', Readable.from(['<html>'])), /birch answered what is no answer/)
})

test('who asks another host for itself reads no flood of it', async () => {
  for (const status of [200, 500]) {
    const { body, peers } = flooding(status)
    await assert.rejects(askJson({ peers: () => peers }, 'birch', { method: 'GET', path: '/' }), /answer of more than/)
    assert.ok(body.destroyed)
  }
  const store = createMemoryStore({ now: () => 0, id: 'answers' })
  await store.transact([], [{ put: keys.guest('birch', 7), value: {} }])
  const { body, peers } = flooding(200)
  const hosts = () => ['ash', 'birch'].map((name, at) => ({ schema: 1, name, number: at, uidBase: 1 }))
  const others = () => ({ own: 'ash', peers, hosts }) satisfies Pick<Others, 'own' | 'peers' | 'hosts'>
  const inside = farInside({ run: () => Promise.reject(new Error('it is not here')) }, { store, others })
  const options = { signal: new AbortController().signal, timeoutMs: 1000 }
  await assert.rejects(inside.run(7, ['true'], options), /answer of more than 8192 KiB/)
  assert.ok(body.destroyed)
  await store.close()
})
