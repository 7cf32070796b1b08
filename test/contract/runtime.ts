/** What every runtime promises. Every mutation is tried twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from '../../src/drivers/exec/command.ts'
import type { Definition, KeyPair, Runtime } from '../../src/drivers/runtime/driver.ts'

export interface RuntimeWorld {
  readonly runtime: Runtime
  /** Of a guest that can start; its init prints `hello` to the console. */
  definition(number: number): Promise<Definition>
  /** Its init listens to what it is asked. */
  ready(number: number): Promise<void>
  /** Its init ends by itself. */
  halt(number: number): Promise<void>
  /** Runs the command with bytes on stdin. */
  run(command: Command, stdin?: Uint8Array): Promise<{ readonly code: number | null; readonly stdout: Buffer }>
  /** What it was lent, as its root reads it. */
  lent(number: number): Promise<KeyPair | undefined>
  /** Whatever is still there of the guest outside of it: files, cgroups, links, processes. */
  leftovers(number: number): Promise<readonly string[]>
}

export const mib = 1024 ** 2

export function runtimeContract(name: string, world: () => RuntimeWorld): void {
  const define = async (number: number) => {
    const definition = await world().definition(number)
    await world().runtime.define(definition)
    return definition
  }

  test(`${name}: what nobody defined is not there, and may be stopped, killed and removed all the same`, async () => {
    const { runtime } = world()
    assert.equal(await runtime.observe(901), undefined)
    await runtime.askToStop(901)
    await runtime.kill(901)
    for (const _ of twice) await runtime.remove(901)
    assert.equal(await runtime.usage(901), undefined)
    assert.equal(await runtime.consoleTail(901, 100), '')
    await assert.rejects(runtime.start(901), { code: 'START_FAILED' })
    assert.ok(!(await runtime.list()).some(({ number }) => number === 901))
    await runtime.remove(901)
  })

  test(`${name}: a life: defined, started, frozen, thawed, killed, removed, each twice`, async () => {
    const { runtime } = world()
    const definition = await define(902)
    await runtime.define(definition)
    const stopped = { number: 902, state: 'stopped', definition: runtime.hash(definition) } as const
    assert.deepEqual(await runtime.observe(902), stopped)
    for (const _ of twice) await runtime.start(902)
    const first = await runtime.observe(902)
    assert.equal(first?.state, 'running')
    assert.ok(first?.pid !== undefined && first.startedAt !== undefined)
    await runtime.start(902)
    assert.deepEqual(await runtime.observe(902), first, 'starting what runs changes nothing')
    assert.ok((await runtime.list()).some(({ number, state }) => number === 902 && state === 'running'))
    for (const _ of twice) await runtime.freeze(902)
    assert.equal((await runtime.observe(902))?.state, 'frozen')
    for (const _ of twice) await runtime.unfreeze(902)
    assert.equal((await runtime.observe(902))?.state, 'running')
    await assert.rejects(runtime.remove(902), { code: 'BUSY' })
    for (const _ of twice) await runtime.kill(902)
    assert.deepEqual(await runtime.observe(902), stopped)
    for (const _ of twice) await runtime.remove(902)
    assert.equal(await runtime.observe(902), undefined)
    assert.deepEqual(await soon(world(), 902), [])
  })

  test(`${name}: asked to stop it ends, a frozen one dies by killing, and each can be started again`, async () => {
    const { runtime } = world()
    await define(903)
    await runtime.start(903)
    await world().ready(903)
    const gone = exit(runtime, 903)
    for (const _ of twice) await runtime.askToStop(903)
    await gone
    await stopped(runtime, 903)
    await runtime.askToStop(903)
    await runtime.start(903)
    await runtime.freeze(903)
    await runtime.kill(903)
    assert.equal((await runtime.observe(903))?.state, 'stopped')
    await runtime.start(903)
    assert.equal((await runtime.observe(903))?.state, 'running')
    await runtime.kill(903)
    await runtime.remove(903)
  })

  test(`${name}: a death is told once, at once to who asks later, and not to who stopped asking`, async () => {
    const { runtime, halt } = world()
    await define(904)
    await runtime.start(904)
    let told = 0
    let wrong = 0
    const watch = runtime.onExit(904, () => (wrong += 1))
    watch[Symbol.dispose]()
    const gone = exit(runtime, 904, () => (told += 1))
    await halt(904)
    await gone
    await exit(runtime, 904)
    assert.deepEqual({ told, wrong }, { told: 1, wrong: 0 })
    await stopped(runtime, 904)
    await runtime.remove(904)
  })

  test(`${name}: limits stand at the start, change live, and only on what runs`, async () => {
    const { runtime } = world()
    const definition = await world().definition(905)
    const limited = { ...definition, limits: { memoryBytes: 64 * mib, cpus: 0.5, processes: 50 } }
    assert.notEqual(runtime.hash(limited), runtime.hash(definition))
    await runtime.define(limited)
    await runtime.start(905)
    const limits = async () => {
      const usage = await runtime.usage(905)
      return [usage?.memoryLimit, usage?.processLimit]
    }
    assert.deepEqual(await limits(), [64 * mib, 50])
    for (const _ of twice) await runtime.setLimits(905, { memoryBytes: 128 * mib, processes: 70, cpus: 2 })
    assert.deepEqual(await limits(), [128 * mib, 70])
    await runtime.setLimits(905, {})
    assert.deepEqual(await limits(), [null, null])
    const usage = await runtime.usage(905)
    const { cpuSeconds, memoryBytes, processes, netInBytes, diskReadBytes, oomKills } = usage ?? {}
    for (const value of [cpuSeconds, memoryBytes, processes, netInBytes, diskReadBytes, oomKills])
      assert.ok(typeof value === 'number' && value >= 0)
    const pulse = await runtime.pulse(905)
    assert.equal(typeof pulse, 'string')
    await runtime.kill(905)
    assert.equal(await runtime.usage(905), undefined)
    assert.equal(await runtime.pulse(905), undefined)
    for (const change of [runtime.freeze(905), runtime.unfreeze(905), runtime.setLimits(905, {})])
      await assert.rejects(change, { code: 'NOT_RUNNING' })
    await runtime.remove(905)
  })

  test(`${name}: words run inside, with exit code, environment and every byte`, async () => {
    const { runtime, run } = world()
    await define(906)
    await runtime.start(906)
    const attach = (command: string[], env = {}) => runtime.attach(906, { command, env: { PATH: '/bin', ...env } })
    assert.equal((await run(attach(['sh', '-c', 'exit 41']))).code, 41)
    assert.equal((await run(attach(['true']))).code, 0)
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7) % 256))
    assert.deepEqual((await run(attach(['cat']), bytes)).stdout, bytes)
    const said = await run(attach(['sh', '-c', 'echo "$A-$HOME-$1"', 'sh', '--; $(id)\n'], { A: 'x y=z' }))
    assert.equal(said.stdout.toString(), 'x y=z--' + '--; $(id)\n\n')
    await runtime.kill(906)
    await runtime.remove(906)
  })

  test(`${name}: a certificate is lent while it runs, exchanged, taken back, and goes with it`, async () => {
    const { runtime, ready, lent } = world()
    const { number, uidBase } = await world().definition(910)
    const guest = { number, uidBase }
    await runtime.lend(guest, { cert: 'early', key: 'early' })
    assert.equal(await runtime.observe(910), undefined, 'who is not defined here gets nothing')
    await define(910)
    await runtime.start(910)
    await ready(910)
    assert.equal(await lent(910), undefined)
    for (const text of ['one', 'one', 'two']) {
      await runtime.lend(guest, { cert: `cert ${text}`, key: `key ${text}` })
      assert.deepEqual(await lent(910), { cert: `cert ${text}`, key: `key ${text}` })
    }
    await define(910)
    assert.deepEqual(await lent(910), { cert: 'cert two', key: 'key two' }, 'defined anew it has it still')
    for (const _ of twice) await runtime.lend(guest, undefined)
    assert.equal(await lent(910), undefined)
    await runtime.lend(guest, { cert: 'last', key: 'last' })
    await runtime.kill(910)
    await runtime.remove(910)
    assert.deepEqual(await soon(world(), 910), [])
    await define(910)
    await runtime.start(910)
    assert.equal(await lent(910), undefined, 'the next of that number begins without')
    await runtime.kill(910)
    await runtime.remove(910)
  })

  test(`${name}: tools on the disk of a guest that does not run: bytes, exit codes, several at once, nothing left`, async () => {
    const { runtime, run, leftovers } = world()
    const { rootPath, uidBase } = await define(908)
    const disk = { number: 908, rootPath, uidBase }
    const tool = async (id: string, ...words: string[]) => {
      const command = await runtime.onDisk({ ...disk, id })
      return { ...command, args: [...command.args, ...words] }
    }
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 11) % 256))
    const said = await Promise.all(['one', 'two', 'three'].map(async (id) => run(await tool(id, 'cat'), bytes)))
    for (const { stdout } of said) assert.deepEqual(stdout, bytes)
    assert.equal((await run(await tool('four', 'test', '-d', '/no/such/folder'))).code, 1)
    assert.equal((await run(await tool('five', 'test', '-d', '/'))).code, 0)
    assert.deepEqual(await runtime.observe(908), { ...(await runtime.observe(908)), state: 'stopped' })
    for (const bad of [
      { id: '../x' },
      { id: 'a\n' },
      { rootPath: '/a\nlxc.hook.start = /x' },
      { uidBase: 0 },
      { number: 0 },
    ])
      await assert.rejects(runtime.onDisk({ ...disk, id: 'six', ...bad }), { code: 'BAD_VALUE' }, JSON.stringify(bad))
    await runtime.remove(908)
    for (let tries = 0; (await leftovers(908)).length > 0 && tries < 200; tries++)
      await new Promise((go) => setTimeout(go, 20))
    assert.deepEqual(await leftovers(908), [])
  })

  test(`${name}: a seed that is none is refused, whoever checked it before`, async () => {
    const { runtime } = world()
    const { rootPath, uidBase } = await define(910)
    const disk = { number: 910, rootPath, uidBase, id: 'seed' }
    const text = { mode: 0o600, text: '' }
    for (const bad of [
      ...['', 'etc/x', '/', '/../x', '/etc/./x', '/etc//x', '/a\nb', '/a b', `/${'x'.repeat(99)}`, '/ä'].map(
        (path) => ({ path }),
      ),
      ...[-1, 0o4755, 1.5, Number.NaN].map((mode) => ({ path: '/x', mode })),
      { path: '/x', text: '\ud800' },
      { path: '/x', text: 'x'.repeat(600 * 1024) },
    ])
      await assert.rejects(
        runtime.plant(disk, [{ ...text, ...bad }]),
        ({ code }) => code === 'BAD_VALUE' || code === 'TOO_LARGE',
        JSON.stringify(bad).slice(0, 80),
      )
    for (const link of ['', 'a\nb', 'x'.repeat(100)])
      await assert.rejects(runtime.plant(disk, [{ path: '/x', link }]), { code: 'BAD_VALUE' })
    await assert.rejects(runtime.plant({ ...disk, number: 0 }, []), { code: 'BAD_VALUE' })
    for (const _ of twice) await runtime.plant(disk, [{ path: '/etc/croft/env', ...text }])
    await runtime.remove(910)
  })

  test(`${name}: no string of a definition may hold what ends a line, and nothing is written then`, async () => {
    const { runtime, leftovers } = world()
    const good = await world().definition(907)
    const fields = (bad: string): Definition[] => [
      { ...good, id: bad },
      { ...good, hostName: bad },
      { ...good, rootPath: bad },
      { ...good, mounts: [{ source: bad && `/${bad}`, target: '/mnt', readOnly: true }] },
      { ...good, mounts: [{ source: '/srv', target: bad && `/${bad}`, readOnly: true }] },
      ...(['name', 'ipv4', 'ipv6', 'mac'] as const).map((field) => ({ ...good, link: { ...good.link, [field]: bad } })),
    ]
    for (const mark of ['\n', '\r', '\0', '\u0085', '\u2028', '\u2029', '\x1b', '\u202e'])
      for (const definition of fields(`a${mark}lxc.hook.pre-start = x`))
        await assert.rejects(runtime.define(definition), { code: 'BAD_VALUE' }, JSON.stringify(definition))
    for (const definition of fields('')) await assert.rejects(runtime.define(definition), { code: 'BAD_VALUE' })
    for (const field of ['hosts', 'resolv', 'keys'] as const)
      for (const mark of ['\0', '\r', '\u2028']) {
        const files = { ...good.files, [field]: `a\n${mark}` }
        await assert.rejects(runtime.define({ ...good, files }), { code: 'BAD_VALUE' })
      }
    for (const number of [0, -1, 1.5, 65535, Number.NaN])
      await assert.rejects(runtime.define({ ...good, number }), { code: 'BAD_VALUE' })
    for (const limits of [{ memoryBytes: Number.NaN }, { cpus: -1 }, { processes: Number.POSITIVE_INFINITY }])
      await assert.rejects(runtime.define({ ...good, limits }), { code: 'BAD_VALUE' })
    assert.equal(await runtime.observe(907), undefined)
    assert.deepEqual(await leftovers(907), [])
  })

  test(`${name}: its console is kept over starts, and its last start told apart`, async () => {
    const { runtime, ready } = world()
    await define(909)
    const hellos = async (sinceStart: boolean) =>
      (await runtime.consoleTail(909, 10_000, sinceStart)).match(/hello/g)?.length ?? 0
    for (const starts of [1, 2]) {
      await runtime.start(909)
      for (let tries = 0; (await hellos(false)) < starts && tries < 500; tries++) {
        if (tries === 0) await ready(909)
        await new Promise((go) => setTimeout(go, 10))
      }
      assert.deepEqual([await hellos(true), await hellos(false)], [1, starts])
      await runtime.kill(909)
    }
    assert.equal(await hellos(true), 1, 'also when it runs no more')
    await runtime.remove(909)
    assert.equal(await runtime.consoleTail(909, 100, true), '')
  })

  test(`${name}: the hash tells definitions apart, field by field`, async () => {
    const { runtime } = world()
    const good = await world().definition(908)
    assert.equal(runtime.hash(good), runtime.hash(structuredClone(good)))
    const others: Definition[] = [
      { ...good, id: 'other-id' },
      { ...good, rootPath: '/other' },
      { ...good, uidBase: good.uidBase + 65536 },
      { ...good, limits: { memoryBytes: 1 } },
      { ...good, link: { ...good.link, mtu: 1300 } },
      { ...good, files: { ...good.files, keys: 'k' } },
    ]
    assert.equal(new Set([good, ...others].map((definition) => runtime.hash(definition))).size, others.length + 1)
  })
}

const twice = [1, 2]

export function exit(runtime: Runtime, number: number, also: () => void = () => {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`guest ${number} does not end`)), 30_000)
    runtime.onExit(number, () => {
      clearTimeout(late)
      also()
      resolve()
    })
  })
}

/** A monitor that dies may be seen a moment longer than it answers. */
export async function stopped(runtime: Runtime, number: number): Promise<void> {
  for (let tries = 0; (await runtime.observe(number))?.state === 'starting' && tries < 500; tries++)
    await new Promise((go) => setTimeout(go, 10))
  assert.equal((await runtime.observe(number))?.state, 'stopped')
}

/** The kernel takes its time with dead cgroups: what still dies goes with the next tidying. */
async function soon({ runtime, leftovers }: RuntimeWorld, number: number): Promise<readonly string[]> {
  for (let tries = 0; tries < 100; tries++) {
    await runtime.tidy()
    if ((await leftovers(number)).length === 0) return []
    await new Promise((go) => setTimeout(go, 20))
  }
  return leftovers(number)
}
