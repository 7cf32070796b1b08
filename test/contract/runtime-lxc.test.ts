/** LXC in a network namespace of its own: this file runs itself again there. Needs root and busybox-static. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { createRouted } from '../../src/drivers/network/routed/index.ts'
import { createLxc } from '../../src/drivers/runtime/lxc/index.ts'
import { isInside, runInside } from './namespace.ts'
import { exit, mib, runtimeContract, stopped } from './runtime.ts'
import { LxcWorld, pipe, run, tool } from './runtime-world.ts'

if (!isInside) runInside('lxc', import.meta.url, 't')
else {
  const world = new LxcWorld()
  const { lxcPath, cgroup } = world
  const runtime = createLxc(run, { lxcPath, cgroup })
  const pidOf = async (number: number) => (await runtime.observe(number))?.pid ?? Number.NaN

  before(async () => {
    await createRouted({ run }).prepare()
    await world.open()
  })
  after(async () => {
    for (const { number } of await runtime.list()) {
      await runtime.kill(number)
      await runtime.remove(number)
    }
    await runtime.tidy()
    await world.close()
  })

  const until = async (what: () => Promise<boolean>) => {
    for (let tries = 0; !(await what()) && tries < 500; tries++) await new Promise((go) => setTimeout(go, 10))
  }
  const prints = (number: number, text: string) =>
    until(async () => (await runtime.consoleTail(number, 1000)).includes(text))
  runtimeContract('lxc', () => ({
    runtime,
    definition: (number) => world.definition(number),
    ready: (number) => prints(number, 'hello'),
    halt: async (number) => void process.kill(await pidOf(number), 'SIGKILL'),
    run: pipe,
    async lent(number) {
      const read = (name: string) => inside(number, 'sh', '-c', `cat /dev/.croft/tls/${name}.pem 2>/dev/null`)
      const [cert, key] = [await read('cert'), await read('key')]
      return cert === '' && key === '' ? undefined : { cert, key }
    },
    leftovers: (number) => world.leftovers(number),
  }))

  const started = async (number: number) => {
    await runtime.define(await world.definition(number))
    await runtime.start(number)
    await prints(number, 'hello')
  }
  const ended = async (number: number) => {
    await runtime.kill(number)
    await runtime.remove(number)
  }
  /** A zombie does not: nobody may be there to bury it. */
  const lives = (pid: number) => {
    const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : 'State: gone'
    return !/^State:\s+(Z|X|gone)/m.test(status)
  }
  const inside = async (number: number, ...command: string[]) =>
    (await pipe(runtime.attach(number, { command, env: { PATH: '/bin' } }))).stdout.toString()

  test('lxc: the console is kept, and of a talkative guest a bounded part', async () => {
    await started(920)
    assert.match(await runtime.consoleTail(920, 1000), /^hello from init\r?\n/)
    await inside(920, 'sh', '-c', 'seq 1 200000 >/dev/console; echo the end >/dev/console')
    await prints(920, 'the end')
    assert.match(await runtime.consoleTail(920, 10), /the end\r?\n$/)
    assert.ok(Buffer.byteLength(await runtime.consoleTail(920, 100)) <= 100)
    const kept = readFileSync(join(lxcPath, '920', 'console.log')).length
    assert.ok(kept <= mib, `${kept} bytes of console on the host`)
    await ended(920)
  })

  test('lxc: limits are in the kernel files of the guest itself', async () => {
    const definition = await world.definition(921)
    await runtime.define({ ...definition, limits: { memoryBytes: 64 * mib, cpus: 0.5, processes: 50 } })
    await runtime.start(921)
    const file = (name: RegExp) => {
      const folder = world.cgroupFolders(921).flatMap((path) => [`${path}/guest`])
      const found = folder.flatMap((path) =>
        ['cpu.cfs_quota_us', 'cpu.max', 'memory.limit_in_bytes', 'memory.max', 'pids.max']
          .filter((known) => name.test(known) && existsSync(join(path, known)))
          .map((known) => readFileSync(join(path, known), 'utf8').trim()),
      )
      return found[0]
    }
    assert.match(file(/^cpu/) ?? '', /^50000( 100000)?$/)
    assert.equal(file(/^memory/), String(64 * mib))
    assert.equal(file(/^pids/), '50')
    await runtime.setLimits(921, { cpus: 1.5, processes: 60 })
    assert.match(file(/^cpu/) ?? '', /^150000( 100000)?$/)
    assert.equal(file(/^pids/), '60')
    await ended(921)
  })

  test('lxc: inside it has its own name, address, ids, files, and few abilities', async () => {
    await started(922)
    assert.equal(await inside(922, 'cat', '/etc/hostname'), 'g922\n')
    assert.match(await inside(922, 'cat', '/proc/self/uid_map'), /^\s*0 \d{10}\s+65536\s*$/)
    assert.match(await inside(922, 'cat', '/etc/hosts'), /^# written by croft\n127/)
    assert.match(await inside(922, 'cat', '/proc/net/fib_trie'), /10\.99\.3\.154/)
    const refused = await inside(
      922,
      'sh',
      '-c',
      'exec 2>/dev/null; mknod /tmp/d b 7 0 && head -c 1 /tmp/d; echo $?; ls -A /dev/.croft',
    )
    assert.match(refused, /^1\n/)
    assert.match(refused, /first/)
    await inside(922, 'sh', '-c', 'exec 2>/dev/null; echo mine >/dev/.croft/first; rm -f /dev/.croft/first')
    assert.match(readFileSync(join(lxcPath, '922', 'first', 'first'), 'utf8'), /^#!\/bin\/sh\n# croft/)
    await ended(922)
  })

  test('lxc: a private key is for the guest’s root alone, who cannot exchange it for a way out', async () => {
    await started(931)
    const { number, uidBase } = await world.definition(931)
    await runtime.lend({ number, uidBase }, { cert: 'cert', key: 'key' })
    const file = join(lxcPath, '931', 'first', 'tls', 'key.pem')
    const { mode, uid, gid } = statSync(file)
    assert.deepEqual([mode & 0o777, uid, gid], [0o640, 0, uidBase])
    const asUser = {
      command: ['cat', '/dev/.croft/tls/key.pem'],
      env: { PATH: '/bin' },
      user: { uid: 1000, gid: 1000 },
    }
    const { code, stdout } = await pipe(runtime.attach(931, asUser))
    assert.deepEqual([code, stdout.toString()], [1, ''])
    const tries = [
      'mount -o remount,rw,bind /dev/.croft; mount -o remount,rw /dev/.croft',
      'cd /dev/.croft/tls; echo mine >key.pem; chmod 666 key.pem; chown 0:0 . key.pem; rm -f key.pem; mv key.pem x',
      'ln -s /etc/passwd /dev/.croft/tls/cert.pem.new; ln -sf /etc/passwd /dev/.croft/tls/key.pem',
    ]
    await inside(931, 'sh', '-c', `exec 2>/dev/null; ${tries.join('; ')}`)
    assert.deepEqual(readdirSync(dirname(file)).sort(), ['cert.pem', 'key.pem'])
    assert.equal(readFileSync(file, 'utf8'), 'key')
    assert.equal(statSync(file).mode & 0o777, 0o640)
    await ended(931)
  })

  test('lxc: first steps that hang are bounded, told, and leave nothing running', async () => {
    const hurried = createLxc(run, { lxcPath, cgroup, startTimeoutMs: 1500 })
    await hurried.define(await world.definition(923))
    const trap = join(await world.root(923), 'etc/croft-id')
    await run.run(tool('mkfifo', trap))
    await assert.rejects(hurried.start(923), { code: 'START_FAILED', message: /first steps hang/ })
    assert.equal((await hurried.observe(923))?.state, 'stopped')
    await rm(trap)
    await hurried.start(923)
    assert.equal((await hurried.observe(923))?.state, 'running')
    await ended(923)
  })

  test('lxc: a socket with the name of a guest’s, and a title like its monitor’s, make no guest live', async () => {
    await runtime.define(await world.definition(925))
    const code = `process.title = '[lxc monitor] ${lxcPath} 925'
      require('net').createServer().listen('\\0${lxcPath}/925/command', () => console.log('listens'))`
    const nobody = spawn(process.execPath, ['-e', code], { uid: 65_534, gid: 65_534 })
    await once(nobody.stdout, 'data')
    assert.equal((await runtime.observe(925))?.state, 'stopped')
    const hurried = createLxc(run, { lxcPath, cgroup, startTimeoutMs: 1000 })
    await assert.rejects(hurried.start(925), { code: 'START_FAILED' })
    nobody.kill('SIGKILL')
    await once(nobody, 'exit')
    await runtime.start(925)
    await prints(925, 'hello')
    await ended(925)
  })

  test('lxc: a start that cannot succeed says why, and the next one does', async () => {
    await runtime.define({ ...(await world.definition(924)), rootPath: `${world.folder}/nowhere` })
    await assert.rejects(runtime.start(924), { code: 'START_FAILED', message: /./ })
    assert.equal((await runtime.observe(924))?.state, 'stopped')
    await started(924)
    await ended(924)
  })

  test('lxc: a link that the kernel has not yet taken away does not stop the next start', async () => {
    const definition = await world.definition(931)
    await runtime.define(definition)
    await run.run(tool('ip', 'link', 'add', definition.link.name, 'type', 'veth', 'peer', 'name', 'left931'))
    await runtime.start(931)
    assert.equal((await runtime.observe(931))?.state, 'running')
    await ended(931)
  })

  test('lxc: cgroups that a dead monitor left do not stop the next start', async () => {
    await started(925)
    const [pid] = readFileSync(join(lxcPath, '925', 'monitor.pid'), 'utf8')
      .trim()
      .split('\n')
      .map(Number)
    const init = await pidOf(925)
    const gone = exit(runtime, 925)
    process.kill(pid ?? Number.NaN, 'SIGKILL')
    await gone
    assert.ok(world.cgroupFolders(925).length > 0, 'they are left')
    await stopped(runtime, 925)
    await runtime.start(925)
    assert.notEqual(await pidOf(925), init)
    assert.equal(lives(init), false, 'the one without a monitor does not live on beside it')
    assert.ok(world.cgroupFolders(925).every((path) => !existsSync(`${path}/guest-1`)))
    await runtime.kill(925)
    for (const path of world.cgroupFolders(925)) mkdirSync(join(path, 'guest/ns/deep'), { recursive: true })
    await runtime.start(925)
    assert.equal((await runtime.usage(925))?.processes !== null, true)
    await ended(925)
  })

  test('lxc: what dead guests left in the cgroup tree is tidied, what lives is not', async () => {
    await started(926)
    const [beside] = world.cgroupFolders(926)
    const stale = join(String(beside), '..', '927', 'guest')
    mkdirSync(stale, { recursive: true })
    await runtime.tidy()
    assert.equal(existsSync(stale), false)
    assert.equal((await runtime.observe(926))?.state, 'running')
    await ended(926)
  })

  test('lxc: a reboot from inside is an end or a new life, and never two', async () => {
    await started(928)
    const first = await pidOf(928)
    const gone = exit(runtime, 928)
    process.kill(first, 'SIGUSR1')
    await gone
    await until(async () => (await runtime.observe(928))?.state !== 'starting')
    const now = await runtime.observe(928)
    assert.notEqual(now?.pid, first)
    await runtime.start(928)
    assert.equal((await runtime.observe(928))?.state, 'running')
    await ended(928)
  })

  test('lxc: two starts at once make one guest', async () => {
    await runtime.define(await world.definition(929))
    await Promise.allSettled([runtime.start(929), runtime.start(929)])
    assert.equal((await runtime.observe(929))?.state, 'running')
    const processes = (await run.run(tool('ps', '-eo', 'args'))).split('\n')
    assert.equal(processes.filter((line) => line.trim() === `[lxc monitor] ${lxcPath} 929`).length, 1)
    await ended(929)
  })

  test('lxc: limits below what is used are refused on a host that can tell', async () => {
    await started(930)
    const holds = pipe(
      runtime.attach(930, { command: ['sh', '-c', 'x=$(seq 1 900000); sleep 3; echo ok'], env: { PATH: '/bin' } }),
    )
    await until(async () => ((await runtime.usage(930))?.memoryBytes ?? 0) > 6 * mib)
    await runtime.setLimits(930, { memoryBytes: mib }).catch((thrown) => assert.equal(thrown.code, 'REFUSED'))
    await ended(930)
    await holds
  })
}
