/** A host hears which tokens are no more, also what it missed while its watch was away. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CroftError } from '../../../src/api/errors.ts'
import { systemEnv } from '../../../src/daemon/env.ts'
import { followTokens } from '../../../src/daemon/peers/follow-tokens.ts'
import { keys } from '../../../src/daemon/records/keys.ts'
import { createMemoryStore } from '../../../src/store/memory/index.ts'
import type { Store } from '../../../src/store/store.ts'

const token = (name: string, more: object = {}) => ({
  put: keys.token(name),
  value: { schema: 1, name, role: 'reader', hash: 'aa', created: 'monday', by: 'root', expires: null, ...more },
})

test('one that was removed and added anew while the watch was compacted is another one; a login is none', async () => {
  const store = createMemoryStore({ now: () => 0, id: 'tokens' })
  await store.transact(
    [],
    [...[token('stays'), token('gone'), token('anew'), token('quick'), token('newcomer', { login: { lifeMs: null } })]],
  )
  const away = Promise.withResolvers<never>()
  let watches = 0
  const watch: Store['watch'] = store.watch.bind(store)
  Object.assign(store, {
    async *watch(...asked: Parameters<Store['watch']>) {
      if (watches++ === 0) await away.promise
      yield* watch(...asked)
    },
  })
  const later = Promise.withResolvers<() => void>()
  const env = {
    ...systemEnv,
    later(_ms: number, work: () => void) {
      later.resolve(work)
      return { [Symbol.dispose]: () => undefined }
    },
  }
  const closing = new AbortController()
  const shut: string[] = []
  const done = Promise.withResolvers<void>()
  await followTokens({ store, env, signal: closing.signal }, (name) => {
    shut.push(name)
    if (name === 'stays') done.resolve()
  })
  await store.transact([], [{ delete: keys.token('gone') }, { delete: keys.token('anew') }])
  await store.transact(
    [],
    [
      token('anew', { hash: 'bb', created: 'tuesday' }),
      token('quick', { hash: 'bb' }),
      token('newcomer', { hash: 'bb' }),
    ],
  )
  away.reject(new CroftError('COMPACTED', 'too late'))
  const again = await later.promise
  again()
  await store.transact([], [{ delete: keys.token('stays') }])
  await done.promise
  assert.deepEqual(shut.toSorted(), ['anew', 'gone', 'quick', 'stays'])
  closing.abort()
  await store.close()
})
