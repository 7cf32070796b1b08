/** What a person can ask of a guest or template: how to get ready for it, how to ask, and what is so when it is done. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GuestState } from '../../src/api/guest.ts'
import type { TestFarm } from './farm.ts'
import { createQuick, done, getGuest, quickTemplate, readMark, writeMark } from './quick.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

export interface CrashOperation {
  readonly name: string
  prepare(farm: TestFarm, name: string): Promise<void>
  ask(name: string): Asked
  check(farm: TestFarm, name: string): Promise<void>
  clean(farm: TestFarm, name: string): Promise<void>
}

const guest = (name: string, rest = '') => `/v1/guests/${name}${rest}`

const removeGuests = async (farm: TestFarm, ...names: string[]): Promise<void> => {
  for (const name of names) {
    const { status, text } = await farm.api('DELETE', guest(name, '?wait=60000'))
    assert.ok(status === 200 || status === 404, text)
  }
}

async function isMarked(farm: TestFarm, name: string, text: string, state: GuestState = 'running'): Promise<void> {
  assert.equal(await readMark(farm, name), text)
  assert.equal((await getGuest(farm, name)).status?.state, state)
}

const marked = async (farm: TestFarm, name: string): Promise<void> => {
  await createQuick(farm, name)
  await writeMark(farm, name, name)
}

const act = (farm: TestFarm, name: string, verb: string) => done(farm, 'POST', guest(name, '/actions'), { do: verb })

/** An operation on a marked guest that was brought into a state first. */
const action = (verb: string, to: GuestState, ...before: string[]): CrashOperation => ({
  name: verb,
  async prepare(farm, name) {
    await marked(farm, name)
    for (const step of before) await act(farm, name, step)
  },
  ask: (name) => ({ method: 'POST', path: guest(name, '/actions'), body: { do: verb } }),
  check: (farm, name) => isMarked(farm, name, name, to),
  clean: removeGuests,
})

const snapshotsOf = async (farm: TestFarm, name: string): Promise<string[]> => {
  const { number } = await getGuest(farm, name)
  return readdir(join(farm.poolDir, 'guests', String(number), 'snapshots')).catch(() => [])
}

const takeSnapshot = (farm: TestFarm, name: string) => done(farm, 'POST', guest(name, '/snapshots'), { name: 'monday' })

const template = (name: string) => `fake:${name}`

export const operations: readonly CrashOperation[] = [
  {
    name: 'create',
    prepare: async () => {},
    ask: (name) => ({ method: 'POST', path: '/v1/guests', body: { name, template: quickTemplate } }),
    async check(farm, name) {
      await writeMark(farm, name, name)
      await isMarked(farm, name, name)
    },
    clean: removeGuests,
  },
  action('start', 'running', 'kill'),
  action('stop', 'stopped'),
  action('kill', 'stopped'),
  action('restart', 'running'),
  action('freeze', 'frozen'),
  action('unfreeze', 'running', 'freeze'),
  {
    name: 'rm',
    async prepare(farm, name) {
      await marked(farm, name)
      await takeSnapshot(farm, name)
    },
    ask: (name) => ({ method: 'DELETE', path: guest(name) }),
    async check(farm, name) {
      assert.equal((await farm.api('GET', guest(name))).status, 404)
    },
    clean: removeGuests,
  },
  {
    name: 'rename',
    prepare: marked,
    ask: (name) => ({ method: 'POST', path: guest(name, '/rename'), body: { name: `${name}-new` } }),
    check: (farm, name) => isMarked(farm, `${name}-new`, name),
    clean: (farm, name) => removeGuests(farm, name, `${name}-new`),
  },
  {
    name: 'clone',
    prepare: marked,
    ask: (name) => ({ method: 'POST', path: guest(name, '/clone'), body: { name: `${name}-new` } }),
    async check(farm, name) {
      await isMarked(farm, name, name)
      await isMarked(farm, `${name}-new`, name)
    },
    clean: (farm, name) => removeGuests(farm, name, `${name}-new`),
  },
  {
    name: 'set',
    prepare: marked,
    ask: (name) => ({ method: 'PATCH', path: guest(name), body: { memory: '300M', disk: '3G' } }),
    async check(farm, name) {
      await isMarked(farm, name, name)
      const { limits } = (await getGuest(farm, name)).spec
      assert.deepEqual([limits.memoryBytes, limits.diskBytes], [300 * 1024 ** 2, 3 * 1024 ** 3])
    },
    clean: removeGuests,
  },
  {
    name: 'snapshot add',
    prepare: marked,
    ask: (name) => ({ method: 'POST', path: guest(name, '/snapshots'), body: { name: 'monday' } }),
    async check(farm, name) {
      await isMarked(farm, name, name)
      const [id = ''] = await snapshotsOf(farm, name)
      const { number } = await getGuest(farm, name)
      const path = join(farm.poolDir, 'guests', String(number), 'snapshots', id, 'srv/mark')
      assert.equal(await readFile(path, 'utf8'), name)
      const { body } = await done(farm, 'GET', '/v1/snapshots')
      assert.deepEqual(
        (body as { state: string; id: string }[]).map((snapshot) => [snapshot.state, snapshot.id]),
        [['ready', id]],
      )
    },
    clean: removeGuests,
  },
  {
    name: 'snapshot rm',
    async prepare(farm, name) {
      await marked(farm, name)
      await takeSnapshot(farm, name)
    },
    ask: (name) => ({ method: 'DELETE', path: guest(name, '/snapshots/monday') }),
    async check(farm, name) {
      await isMarked(farm, name, name)
      assert.deepEqual(await snapshotsOf(farm, name), [])
      assert.deepEqual((await done(farm, 'GET', '/v1/snapshots')).body, [])
    },
    clean: removeGuests,
  },
  {
    name: 'snapshot restore',
    async prepare(farm, name) {
      await marked(farm, name)
      await takeSnapshot(farm, name)
      await writeMark(farm, name, 'spoilt')
    },
    ask: (name) => ({ method: 'POST', path: guest(name, '/snapshots/monday/restore') }),
    check: (farm, name) => isMarked(farm, name, name),
    clean: removeGuests,
  },
  {
    name: 'port add',
    prepare: marked,
    ask: (name) => ({ method: 'POST', path: guest(name, '/ports'), body: { hostPort: 8080, guestPort: 80 } }),
    async check(farm, name) {
      await isMarked(farm, name, name)
      assert.match((await farm.host({ file: 'nft', args: ['list', 'ruleset'] })).stdout, /8080/)
    },
    clean: removeGuests,
  },
  {
    name: 'template build',
    prepare: async () => {},
    ask: (name) => ({ method: 'POST', path: '/v1/templates', body: { ref: template(name), from: 'debian:12' } }),
    async check(farm, name) {
      const { body } = await done(farm, 'GET', `/v1/templates/${template(name)}`)
      assert.equal((body as { state: string }).state, 'ready')
    },
    async clean(farm, name) {
      await done(farm, 'DELETE', `/v1/templates/${template(name)}`)
    },
  },
  {
    name: 'template rm',
    async prepare(farm, name) {
      await done(farm, 'POST', '/v1/templates', { ref: template(name), from: 'debian:12' })
    },
    ask: (name) => ({ method: 'DELETE', path: `/v1/templates/${template(name)}` }),
    async check(farm, name) {
      assert.equal((await farm.api('GET', `/v1/templates/${template(name)}`)).status, 404)
    },
    clean: async () => {},
  },
]
