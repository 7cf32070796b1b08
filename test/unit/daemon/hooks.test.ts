import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FarmEvent } from '../../../src/api/events.ts'
import { judgeHooks } from '../../../src/daemon/doctor/hooks.ts'
import { systemEnv } from '../../../src/daemon/env.ts'
import { findHooks, judgeOwner } from '../../../src/daemon/hooks/folder.ts'
import { isWanted, wantedIn } from '../../../src/daemon/hooks/head.ts'
import { startHooks } from '../../../src/daemon/hooks/hooks.ts'
import type { HookParts } from '../../../src/daemon/hooks/tell.ts'
import type { Command, Outcome } from '../../../src/drivers/exec/command.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import type { Store } from '../../../src/store/store.ts'

const root = mkdtempSync(join(tmpdir(), 'croft-hooks-'))
after(() => rmSync(root, { recursive: true }))

test('what others than root may write is refused', async () => {
  assert.deepEqual(await findHooks(join(root, 'nowhere')), { hooks: [], refused: [] })
  assert.equal(judgeOwner({ uid: 0, mode: 0o100755 }), undefined)
  assert.match(judgeOwner({ uid: 1000, mode: 0o100755 }) ?? '', /belongs to user 1000/)
  for (const mode of [0o777, 0o775, 0o757, 0o722]) assert.match(judgeOwner({ uid: 0, mode }) ?? '', /written by others/)
})

test('a hook says in its first comment lines what it wants to hear; all when it says nothing', () => {
  const on = (head: string) => wantedIn(head).on
  assert.equal(on('#!/bin/sh\necho\n# on: guest.died\n'), undefined, 'only the first lines count')
  assert.equal(on('\x7fELF'), undefined)
  assert.deepEqual(on('#!/bin/sh\n# mails\n# on: guest.died, route.*\n#on: check\n'), [
    'guest.died',
    'route.*',
    'check',
  ])
  for (const bad of ['', 'gest.died', 'guest.', 'guest.died.x', '**', '$(x)', 'guest.Died', '../x'])
    assert.match(wantedIn(`#!/bin/sh\n# on: ${bad}`).wrong ?? '', /no event/, bad)
  const heard = (...words: string[]) =>
    ['guest.died', 'guest.started', 'route.removed'].filter((what) => isWanted({ on: words }, what))
  assert.deepEqual(heard('guest.died'), ['guest.died'])
  assert.deepEqual(heard('guest', 'route.created'), ['guest.died', 'guest.started'])
  assert.deepEqual(heard('*.removed', 'guest.died'), ['guest.died', 'route.removed'])
  assert.deepEqual(heard('*').length, 3)
})

test('the doctor says which hooks are refused and which fail', () => {
  const state = { state: 'failed', at: 't', event: 'guest.died', reason: 'exit 1' } as const
  const found = { hooks: [{ name: 'mail' }], refused: [{ path: '/h/x', why: 'belongs to user 7' }] }
  const findings = judgeHooks('/h', found, [
    { name: 'mail', state },
    { name: 'gone', state },
  ])
  assert.deepEqual(
    findings.map(({ verdict, evidence }) => [verdict, /user 7|guest.died: exit 1/.test(evidence)]),
    [
      ['red', true],
      ['warn', true],
    ],
  )
  assert.deepEqual(judgeHooks('/h', { hooks: [], refused: [] }, []), [])
  assert.equal(judgeHooks('/h', { hooks: [{ name: 'mail' }], refused: [] }, [])[0]?.verdict, 'ok')
})

const good: Outcome = { code: 0, signal: null, stdout: '', stderr: '', timedOut: false }

interface World {
  readonly store: Store
  readonly parts: HookParts
  readonly told: string[]
  readonly hooks: string[]
  leads: boolean
  /** What a hook does; it succeeds unless told otherwise. */
  act: (command: Command, signal: AbortSignal | undefined) => Promise<Outcome>
}

let worlds = 0

function world(...hooks: string[]): World {
  const store = createMemoryStore({ now: () => 0, id: 'store' })
  const made: World = {
    ...{ store, told: [], hooks, leads: true },
    act: async () => good,
    parts: {
      ...{
        env: systemEnv,
        leads: () => made.leads,
        store,
        folder: '/hooks',
        host: 'ash',
        cursorFile: join(root, String(++worlds)),
      },
      find: async (_, only) => ({
        hooks: hooks.filter((name) => only === undefined || name === only).map((name) => ({ name })),
        refused: [],
      }),
      log: { info() {}, warn() {}, error() {} },
      run: {
        async outcome(command, options) {
          const { name } = JSON.parse(command.stdin ?? '') as FarmEvent
          made.told.push(`${command.file.split('/').at(-1)} ${command.args} ${name}`)
          assert.deepEqual(Object.keys(command).sort(), ['args', 'file', 'stdin', 'timeoutMs'])
          return made.act(command, options?.signal)
        },
        run: async () => '',
      },
    },
  }
  return made
}

const create = (store: Store, name: string, number: number) =>
  store.transact([], [{ put: `guests/ash/${number}`, value: { name, spec: {} } }])

async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await met()); await sleep(5))
    if (Date.now() > deadline) throw new Error('it did not come')
}

test('each hook is told each event once, in order, over a restart too; a new one from its coming on', async () => {
  const { store, parts, told, hooks } = world('one')
  const first = await startHooks(parts)
  await until(() => isFollowed(store, told))
  await create(store, 'a', 1)
  await until(() => told.includes('one guest.created a'))
  hooks.push('two')
  await create(store, 'b', 2)
  await until(() => told.includes('one guest.created b') && told.includes('two guest.created b'))
  await first.close()
  await create(store, 'c', 3)
  const second = await startHooks(parts)
  await until(() => told.includes('two guest.created c') && told.includes('one guest.created c'))
  await second.close()
  const of = (hook: string) => told.filter((line) => line.startsWith(hook) && !line.endsWith(' probe'))
  assert.deepEqual(
    of('one'),
    ['a', 'b', 'c'].map((name) => `one guest.created ${name}`),
  )
  assert.deepEqual(
    of('two'),
    ['b', 'c'].map((name) => `two guest.created ${name}`),
  )
})

/** Hooks hear what comes after their start: something is made to happen until it is heard. */
async function isFollowed(store: Store, told: readonly string[]): Promise<boolean> {
  await create(store, 'probe', 90)
  await store.transact([], [{ delete: 'guests/ash/90' }])
  await sleep(5)
  return told.some((line) => line.endsWith('probe'))
}

test('one that hangs or fails hinders no other; a failure is recorded once, and its end', async () => {
  const made = world('bad', 'good', 'stuck')
  const { store, parts, told } = made
  let exit = 1
  made.act = (command, signal) => {
    if (command.file.endsWith('stuck'))
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    return Promise.resolve(command.file.endsWith('bad') ? { ...good, code: exit, stderr: 'no\nmail' } : good)
  }
  const hooks = await startHooks(parts)
  await until(() => isFollowed(store, told))
  for (const [index, name] of ['a', 'b', 'c'].entries()) await create(store, name, index)
  await until(() => told.includes('good guest.created c') && told.includes('bad guest.created c'))
  const record = async () => (await store.get('hooks/ash/bad')).entry
  await until(async () => (await record()) !== undefined)
  const failed = await record()
  assert.match(JSON.stringify(failed?.value), /"state":"failed".*bad guest\.\w+: exit 1\\nno\\nmail/)
  assert.equal(failed?.revision, failed?.createRevision, 'written once')
  exit = 0
  await create(store, 'd', 4)
  await until(async () => /"ok"/.test(JSON.stringify((await record())?.value)))
  assert.equal(told.filter((line) => line.startsWith('stuck')).length, 1)
  assert.ok(!told.some((line) => line.includes('hook.')), 'hooks hear nothing of hooks')
  await hooks.close()
})

test('of several hosts the one that leads tells; the next one tells what that one may have missed', async () => {
  const made = world('one')
  const { store, parts, told } = made
  const hooks = await startHooks(parts)
  await until(() => isFollowed(store, told))
  made.leads = false
  await create(store, 'a', 1)
  await create(store, 'b', 2)
  await sleep(50)
  assert.ok(!told.includes('one guest.created a'))
  made.leads = true
  await until(() => told.includes('one guest.created b'))
  assert.ok(told.includes('one guest.created a'))
  await hooks.close()
})
