/** Changes of HAProxy under load, and those that were broken off. In a network namespace of its own; needs root. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EdgeWish, Site, StreamSite } from '../../src/drivers/edge/driver.ts'
import { writeAll } from '../../src/drivers/edge/haproxy/files.ts'
import { createHaproxy } from '../../src/drivers/edge/haproxy/index.ts'
import { layoutOf } from '../../src/drivers/edge/haproxy/layout.ts'
import { make } from '../../src/drivers/edge/haproxy/made.ts'
import { masterCommand } from '../../src/drivers/edge/haproxy/process.ts'
import type { Runner } from '../../src/drivers/exec/command.ts'
import { startDetached } from '../../src/drivers/exec/detached.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { limits, siteOf, toServers } from './edge.ts'
import { answering, ask, farmOf, openHaproxy, selfSigned } from './edge-world.ts'
import { isInside, runInside } from './namespace.ts'

if (!isInside) runInside('haproxy, changes', import.meta.url, 'c')
else {
  const { edge, folder } = await openHaproxy()
  const run = createRunner()
  const [one, two] = [await answering('one'), await answering('two')]
  const farm = selfSigned('farm', [])
  const site = (id: string, rest: Partial<Site> = {}) =>
    siteOf(id, `${id}.example.org`, { target: toServers(one.here), ...rest })
  const wishOf = (...sites: Site[]) => farmOf(farm, sites)
  const byOf = async (id: string) => (await ask(`${id}.example.org`, '/').catch(() => undefined))?.headers['x-by']

  /** As a daemon does that dies before it says anything. */
  async function writeOnly(wish: EdgeWish): Promise<void> {
    const { files, config, told } = make(wish, { layout: layoutOf(folder), ipv6: true, user: 'haproxy' })
    await writeAll(folder, new Map([['made.json', JSON.stringify(told)], ['haproxy.cfg', config], ...files]))
  }

  test('no request is lost by twenty reloads and as many changes by words', async () => {
    await edge.serve(wishOf(site('load')))
    const load = startLoad('load.example.org')
    const ways: string[] = []
    for (let round = 0; round < 20; round++) {
      const others = site(`n${round}`)
      ways.push(await edge.serve(wishOf(site('load', { target: toServers(one.here, two.here) }), others)))
      ways.push(await edge.serve(wishOf(site('load', { target: toServers(two.here) }), others)))
    }
    const { answered, failed } = await load.end()
    assert.deepEqual([...new Set(ways)].join(' '), 'reload runtime')
    assert.equal(ways.filter((way) => way === 'reload').length, 20)
    assert.ok(answered > 100, String(answered))
    assert.deepEqual(failed, [])
  })

  test('files that were written and never told of are told by the next wish, whichever it is', async () => {
    const [a, b] = [wishOf(site('a')), wishOf(site('a', { target: toServers(two.here) }))]
    for (const next of [a, b]) {
      await edge.serve(a)
      await writeOnly(b)
      assert.equal(await byOf('a'), 'one')
      assert.equal(await createHaproxy({ run, folder }).serve(next), 'reload')
      assert.equal(await byOf('a'), next === a ? 'one' : 'two')
      assert.equal(await edge.serve(next), 'none')
    }
  })

  test("the next daemon finds it as it is; a number that is somebody else's is nobody", async () => {
    await edge.serve(wishOf(site('a')))
    const next = createHaproxy({ run, folder })
    assert.equal(await next.serve(wishOf(site('a'))), 'none')
    const pid = readFileSync(join(folder, 'haproxy.pid'), 'utf8')
    writeFileSync(join(folder, 'haproxy.pid'), `${process.pid}\n`)
    assert.equal((await next.state()).running, false)
    assert.equal(await next.serve(wishOf(site('a'))), 'start')
    assert.notEqual(readFileSync(join(folder, 'haproxy.pid'), 'utf8'), pid)
    assert.equal(await byOf('a'), 'one')
  })

  test('an address of which new workers alone can tell is left out when they tell, and workers are not made for it again', async () => {
    const stream = (listen: string): StreamSite => ({
      ...{ id: 't', match: { kind: 'port', listen }, servers: [one.here], clientAddress: 'none' },
    })
    await edge.serve({ ...wishOf(site('a')), streams: [stream('127.0.0.2:6001')] })
    const other = createServer().listen(6001, '127.0.0.3').unref()
    const taken = { ...wishOf(site('a'), site('b')), streams: [stream(':6001')] }
    assert.equal(await edge.serve(taken), 'reload')
    assert.deepEqual(await edge.missed(), [{ listen: ':6001', why: 'another program of the host has it' }])
    assert.doesNotMatch(readFileSync(join(folder, 'haproxy.cfg'), 'utf8'), /6001/)
    assert.deepEqual([await byOf('a'), await byOf('b')], ['one', 'one'])
    assert.equal(await edge.serve(taken), 'none')
    other.close()
    assert.equal(await edge.serve(taken), 'reload')
    assert.deepEqual(await edge.missed(), [])
  })

  test('a worker that is killed takes the edge with it, and the next look brings it back', async () => {
    await edge.serve(wishOf(site('a')))
    const master = Number(readFileSync(join(folder, 'haproxy.pid'), 'utf8'))
    const worker = Number(readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ')[0])
    process.kill(worker, 'SIGKILL')
    while ((await edge.state()).running) await sleep(10)
    assert.equal(await edge.serve(wishOf(site('a'))), 'start')
    assert.equal(await byOf('a'), 'one')
  })

  test('what a server still has to answer is told, also by workers of before, and ends while it gets nothing new', async () => {
    const slow = await answering('slow')
    let answer: () => void = () => {}
    slow.server.prependListener('request', ({ url }, response) => {
      if (url !== '/slow') return
      const end = response.end.bind(response)
      response.end = ((text: string) => {
        response.write(text.slice(0, 5))
        answer = () => end(text.slice(5))
      }) as typeof response.end
    })
    const to = (state: 'ready' | 'drain') => site('slow', { target: toServers({ ...slow.here, state }) })
    await edge.serve(wishOf(to('ready')))
    const asked = ask('slow.example.org', '/slow')
    const open = async (wanted: number) => {
      while ((await edge.open('slow')) !== wanted) await sleep(10)
    }
    await open(1)
    assert.equal(await edge.serve(wishOf(to('ready'), site('more'))), 'reload')
    const alsoAsked = ask('slow.example.org', '/')
    assert.equal((await alsoAsked).status, 200)
    assert.equal(await edge.open('slow'), 1)
    assert.equal(await edge.serve(wishOf(to('drain'), site('more'))), 'runtime')
    const waits = ask('slow.example.org', '/')
    answer()
    assert.match((await asked).text, /"url":"\/slow"/)
    await open(0)
    assert.equal(await edge.serve(wishOf(to('ready'), site('more'))), 'runtime')
    assert.equal((await waits).headers['x-by'], 'slow')
  })

  test('a thousand sites are taken', async () => {
    const many = Array.from({ length: 1000 }, (_, n) =>
      site(`s${n}`, { users: [], limits: { ...limits, requestsPerSecond: 100 } }),
    )
    assert.equal(await edge.serve(wishOf(...many)), 'reload')
    assert.equal(await byOf('s999'), 'one')
    const moved = many.map((each) => ({ ...each, aliases: [`www.${each.hosts[0]}`] }))
    assert.equal(await edge.serve(wishOf(...moved)), 'runtime')
    assert.equal((await ask('www.s500.example.org', '/')).headers.location, 'https://s500.example.org/')
  })

  test('where systemd knows the unit it runs it', async () => {
    await edge.stop()
    const asked: string[] = []
    const systemd: Runner = {
      ...run,
      async run(command) {
        if (command.file !== 'systemctl') return run.run(command)
        asked.push(command.args.join(' '))
        const layout = layoutOf(folder)
        mkdirSync(folder, { recursive: true })
        if (command.args[0] === 'start')
          startDetached(masterCommand(layout), { stdout: layout.pipe, stderr: layout.messages })
        return ''
      },
      outcome: async (command) =>
        command.file === 'systemctl'
          ? { code: 0, signal: null, stdout: '', stderr: '', timedOut: false }
          : run.outcome(command),
    }
    const unit = createHaproxy({ run: systemd, folder, unit: true })
    assert.equal(await unit.serve(wishOf(site('a'))), 'start')
    assert.equal(await byOf('a'), 'one')
    await unit.stop()
    assert.deepEqual(asked, ['start croft-edge.service', 'stop croft-edge.service'])
    assert.equal(await byOf('a'), undefined)
  })

  test('after the end nothing of it is left but the log', async () => {
    await edge.serve(wishOf(site('a')))
    await edge.stop()
    const { stdout } = await run.outcome({ file: 'pgrep', args: ['-f', folder], timeoutMs: 10_000 })
    assert.equal(stdout, '')
    const left = await run.run({ file: 'find', args: [folder, '-mindepth', '1', '-printf', '%f\n'], timeoutMs: 10_000 })
    assert.deepEqual(left.trim().split('\n').sort(), ['access.log', 'messages.log'])
  })

  /** Eight clients that keep their connections, until they are told to end. */
  function startLoad(host: string): { end(): Promise<{ answered: number; failed: string[] }> } {
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    const failed: string[] = []
    let [answered, isOver] = [0, false]
    const client = async () => {
      while (!isOver) {
        const status = await once(agent, host).catch((thrown) => String(thrown.message))
        if (status === 200) answered++
        else failed.push(String(status))
        await sleep(5)
      }
    }
    const clients = Promise.all(Array.from({ length: 8 }, client))
    return {
      async end() {
        isOver = true
        await clients
        agent.destroy()
        return { answered, failed }
      },
    }
  }

  const once = (agent: Agent, host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const sent = request({ agent, host: '127.0.0.1', path: '/', headers: { host } }, (answer) => {
        answer
          .resume()
          .once('end', () => resolve(answer.statusCode))
          .once('error', reject)
      })
      sent.once('error', reject).end()
    })
}
