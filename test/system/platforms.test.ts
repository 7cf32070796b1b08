/** An application of each platform: deployed from its folder as people do, and asked from outside by https. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Site } from '../../src/api/site.ts'
import { addExampleBases, type Example, exampleFolder, examples } from './bases.ts'
import { at, createTestFarm } from './farm.ts'

const farm = await createTestFarm()
const work = await mkdtemp(join(tmpdir(), 'croft-platforms-'))
let failed = true
after(async () => {
  await farm.dispose({ keepLog: failed })
  await rm(work, { recursive: true, force: true })
})
await addExampleBases(farm, examples)

const main = process.env.CROFT_ENTRY || new URL('../../src/cli/main.ts', import.meta.url).pathname
const apps = {
  ...{ static: 'leaflet', plain: 'bell', node: 'notes', php: 'almanac' },
  ...{ python: 'guestbook', java: 'echo', jetty: 'servlet' },
} as const satisfies Record<Example, string>
const hostOf = (name: Example): string => `${apps[name]}.example.org`

/** Away from any repository, as somebody else's code is. */
async function deploy(name: Example, ...words: string[]): Promise<string> {
  const folder = join(work, name)
  await cp(exampleFolder(name), folder, { recursive: true })
  const args = [main, 'deploy', '--domain', hostOf(name), ...words]
  const said = await farm.host({ file: process.execPath, args, env: farm.env(), cwd: folder, timeoutMs: 300_000 })
  assert.equal(said.code, 0, `${name}: ${said.stderr}${said.stdout}`)
  return said.stdout
}

async function ask(name: Example, path: string, ...words: string[]): Promise<string> {
  const host = hostOf(name)
  const format = ['-w', '\n%{http_code}', '--resolve', `${host}:443:${at.host.v4}`]
  const { stdout } = await farm.outside({
    file: 'curl',
    args: ['-sk', '-m', '10', ...format, ...words, `https://${host}${path}`],
  })
  return stdout.trim()
}

test('each example is built, served and answers', async () => {
  const waiting = [...examples]
  const lane = async (): Promise<void> => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      assert.match(await deploy(name), new RegExp(`${apps[name]}/prod 1 of 1 healthy .* https://${hostOf(name)}`))
    }
  }
  await Promise.all([lane(), lane()])
  for (const name of examples) {
    assert.match(await ask(name, '/'), new RegExp(`${apps[name]}[\\s\\S]*\n200$`), name)
    assert.match(await ask(name, '/up'), /^ok\s+200$/, name)
    assert.doesNotMatch(await ask(name, '/croft.toml'), /\[app\]/, name)
    const daemons = await farm.inGuest(`${apps[name]}/prod/1`, 'systemctl', '--failed', '--plain', '--no-legend')
    assert.equal(daemons, '', name)
    const listens = await farm.inGuest(`${apps[name]}/prod/1`, 'ss', '-Hltn')
    const ports = new Set([...listens.matchAll(/:(\d+) /g)].map(([, port]) => port))
    assert.ok(ports.size <= 2, `${name}: ${[...ports]}`)
  }
})

test('what notes keeps lasts through another version of it; its timer and its second daemon run', async () => {
  assert.match(await ask('node', '/', '-d', 'a first note'), /201$/)
  assert.match(await deploy('node', '--as', 'v2', '--instances', '2'), /2 of 2 healthy/)
  assert.match(await ask('node', '/'), /a first note\s+200$/)
  const units = ['app-web.service', 'app-clock.service', 'job-count.timer']
  const { instances } = await farm.json<Site>('site', 'show', 'notes/prod')
  const [first = ''] = instances.flatMap(({ name, state }) => (state === 'ready' ? [name] : []))
  assert.equal(await farm.inGuest(first, 'systemctl', 'is-active', ...units), 'active\nactive\nactive')
  const asRoot = (...words: string[]) => farm.croftOk('exec', first, '--plain', '--', ...words)
  await asRoot('systemctl', 'start', 'job-count.service')
  assert.match(await asRoot('journalctl', '-o', 'cat', '-u', 'job-count.service'), /^1 notes$/m)
  failed = false
})
