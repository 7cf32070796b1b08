/**
 * The edge beside what it is made of and what others use: one guest answers behind all of them, the same certificate, TLS,
 * 32 connections that are kept. Everything runs on this machine at once, load included: read the ratios.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestFarm } from '../test/system/farm.ts'
import { addRoutes } from '../test/system/web.ts'
import { certificate, peers } from './edge-peers.ts'

interface Load {
  readonly perSecond: number
  readonly p99Ms: number
  readonly failed: number
}

interface Contestant {
  readonly name: string
  readonly port: number
  readonly hosts: readonly string[]
}

const rounds = 3
const seconds = 4

export async function edge(farm: TestFarm, say: (line: string) => void): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'croft-edge-bench-'))
  const running: ChildProcess[] = []
  const start = (file: string, ...args: string[]) => {
    const child = farm.background('host', { file, args })
    running.push(child)
    return child
  }
  try {
    const upstream = await startUpstream(farm, folder, running)
    const pem = await certificate(folder)
    const others = peers({ folder, pem, upstream })
    for (const { command, files } of others) {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      start(command[0] ?? '', ...command.slice(1))
    }
    say('one site')
    const added = await timed(() => addAndServe(farm, 's0.example.org'))
    const one = { name: 'croft, 1 site', port: 443, hosts: ['s0.example.org'] }
    const bare = others.map(({ name, port }) => ({ name, port, hosts: ['s0.example.org'] }))
    const first = await contest(farm, folder, [one, ...bare])
    say('100 sites')
    const sites = Array.from({ length: 100 }, (_, number) => `s${number}.example.org`)
    for (const name of sites.slice(1)) await post(farm, { name, to: 'g1:80' })
    await served(farm, 's99.example.org')
    const hundred = { name: 'croft, 100 sites', port: 443, hosts: sites }
    const second = await contest(farm, folder, [hundred, bare[0] ?? one])
    say('1,000 routes')
    const memory = [`| 100 sites, after load | ${edgeMb(farm).toFixed(0)} |`]
    await addRoutes(farm, 's0.example.org', 900)
    await served(farm, 'n899.example.org', 'http')
    await sleep(2000)
    memory.push(`| 1,000 routes | ${edgeMb(farm).toFixed(0)} |`)
    const times = []
    for (let number = 0; number < 7; number++)
      times.push(await timed(() => addAndServe(farm, `t${number}.example.org`, 'http')))
    return report({ first, second, memory, added, addedAmongMany: median(times) })
  } finally {
    for (const child of running) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** nginx of this machine in the guest's network: no proxy has it nearer than another. */
async function startUpstream(farm: TestFarm, folder: string, running: ChildProcess[]): Promise<string> {
  const { number, ipv4 } = await farm.json<{ number: number; ipv4: string }>('show', 'g1')
  const args = ['-P', join(farm.stateDir, 'lxc'), '-n', String(number), '-p', '-H']
  const pid = (await farm.host({ file: 'lxc-info', args })).stdout.trim()
  const config = join(folder, 'upstream.conf')
  mkdirSync(join(folder, 'upstream'))
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${folder}/upstream.pid; error_log /dev/null crit;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${folder}/upstream;
  server { listen 80 reuseport; location / { return 200 'hello from the guest\\n'; } } }
`,
  )
  running.push(
    spawn('nsenter', [`--net=/proc/${pid}/ns/net`, '--', 'nginx', '-c', config, '-p', folder], { stdio: 'ignore' }),
  )
  return `${ipv4}:80`
}

const post = async (farm: TestFarm, body: object): Promise<void> => {
  const { status, text } = await farm.api('POST', '/v1/routes', body)
  if (status >= 300) throw new Error(text)
}

async function served(farm: TestFarm, host: string, scheme = 'https'): Promise<void> {
  const port = scheme === 'https' ? 443 : 80
  const args = [
    '-sko',
    '/dev/null',
    '-w',
    '%{http_code}',
    '--resolve',
    `${host}:${port}:127.0.0.1`,
    `${scheme}://${host}/`,
  ]
  await farm.waitFor(async () => (await farm.host({ file: 'curl', args })).stdout === '200', 120_000)
}

async function addAndServe(farm: TestFarm, name: string, scheme = 'https'): Promise<void> {
  await farm.croftOk('route', 'add', name, 'g1:80', ...(scheme === 'http' ? ['https=off'] : []))
  await served(farm, name, scheme)
}

/** In turn, so that whatever the machine does meanwhile it does to all. */
async function contest(farm: TestFarm, folder: string, all: readonly Contestant[]): Promise<Map<string, Load>> {
  const found = new Map(all.map(({ name }) => [name, [] as Load[]]))
  for (let round = 0; round <= rounds; round++)
    for (const contestant of all) {
      const load = await wrk(farm, folder, contestant)
      if (round > 0) found.get(contestant.name)?.push(load)
    }
  return new Map([...found].map(([name, loads]) => [name, middle(loads)]))
}

async function wrk(farm: TestFarm, folder: string, { port, hosts }: Contestant): Promise<Load> {
  const script = join(folder, 'hosts.lua')
  const list = hosts.map((host) => `"${host}"`).join(',')
  writeFileSync(
    script,
    `local hosts = {${list}}
local requests, at = {}, 0
init = function() for i, host in ipairs(hosts) do requests[i] = wrk.format("GET", "/", {Host = host}) end end
request = function() at = at % #hosts + 1; return requests[at] end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %f %f %d\\n", summary.requests / summary.duration * 1e6, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`,
  )
  const args = ['-t', '2', '-c', '32', '-d', `${seconds}s`, '-s', script, `https://127.0.0.1:${port}/`]
  const { stdout, stderr } = await farm.host({ file: 'wrk', args, timeoutMs: 60_000 })
  const [, perSecond, p99Ms, failed] = /RESULT (\S+) (\S+) (\d+)/.exec(stdout) ?? []
  if (perSecond === undefined) throw new Error(`wrk: ${stdout}${stderr}`)
  return { perSecond: Number(perSecond), p99Ms: Number(p99Ms), failed: Number(failed) }
}

const median = (list: readonly number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN

const middle = (loads: readonly Load[]): Load => ({
  perSecond: median(loads.map(({ perSecond }) => perSecond)),
  p99Ms: median(loads.map(({ p99Ms }) => p99Ms)),
  failed: loads.reduce((sum, { failed }) => sum + failed, 0),
})

async function timed(work: () => Promise<void>): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

/** Master and workers of this farm's edge. */
function edgeMb(farm: TestFarm): number {
  const mine = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    const line = textOf(`/proc/${pid}/cmdline`)
    return line.startsWith('haproxy') && line.includes(farm.stateDir)
  })
  const pages = mine.map((pid) => Number(/^VmRSS:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0))
  return pages.reduce((sum, kb) => sum + kb, 0) / 1024
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

interface Measured {
  readonly first: ReadonlyMap<string, Load>
  readonly second: ReadonlyMap<string, Load>
  readonly memory: readonly string[]
  readonly added: number
  readonly addedAmongMany: number
}

const budget = 0.95

function report({ first, second, memory, added, addedAmongMany }: Measured): string[] {
  const lines = [
    '| edge, TLS, 32 connections | requests/s | p99 ms | failed | of bare HAProxy | budget |',
    '|---|---:|---:|---:|---:|---:|',
  ]
  for (const loads of [first, second]) {
    const bare = loads.get('bare HAProxy, 1 site')?.perSecond ?? Number.NaN
    for (const [name, { perSecond, p99Ms, failed }] of loads) {
      const ratio = perSecond / bare
      const held = name.startsWith('croft') ? `${budget}${ratio >= budget ? ' ✓' : ' ✗'}` : ''
      lines.push(
        `| ${name} | ${Math.round(perSecond)} | ${p99Ms.toFixed(1)} | ${failed} | ${ratio.toFixed(2)} | ${held} |`,
      )
    }
  }
  return [
    ...lines,
    '',
    '| edge | ms |',
    '|---|---:|',
    `| \`route add\` of the first route to its first answer, certificate and start included | ${added.toFixed(0)} |`,
    `| \`route add\` beside 1,000 routes to its first answer, a reload | ${addedAmongMany.toFixed(0)} |`,
    '',
    '| resident memory of the edge, all its processes | MB |',
    '|---|---:|',
    ...memory,
  ]
}
