/** What the examples of help need around them: which are not run and why, and a farm that has what each names. */
import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Guest } from '../../src/api/guest.ts'
import type { HistoryEntry, Operation } from '../../src/api/resources.ts'
import { buildCommands } from '../../src/cli/table/build.ts'
import { deployCommands } from '../../src/cli/table/deploy.ts'
import { commands } from '../../src/cli/table.ts'
import { wordsOf } from '../console.ts'
import type { TestFarm } from './farm.ts'

const ofReleases = [...buildCommands, ...deployCommands]
  .flatMap(({ examples }) => examples)
  .filter((example) => !/ ls\b/.test(example))
/** A program's words are told by one that runs. */
const ofInstances = commands.flatMap(({ examples }) => examples).filter((example) => /shop\/prod\/\d/.test(example))

const ofSeveralHosts = commands
  .flatMap(({ examples }) => examples)
  .filter((example) => /\bbirch\b|^croft (join|host leave) /.test(example))

const ofNetworks = commands
  .flatMap(({ examples }) => examples)
  .filter((example) => /^croft network (create|set|rm|attach|detach) | --network /.test(example))

export const notRun: ReadonlyMap<string, string> = new Map([
  ...[...ofReleases, ...ofInstances].map(
    (each) => [each, 'wants a release; test/system builds and deploys one'] as const,
  ),
  ...ofNetworks.map((each) => [each, 'wants a VLAN; test/system/addresses.test.ts has a farm on one'] as const),
  ...ofSeveralHosts.map((each) => [each, 'wants another host; test/system has farms of several'] as const),
  ...['croft app import .metactl', 'croft app import myapp/config.yaml myapp'].map(
    (each) => [each, 'wants files of other tools; test/unit/plan/config/import.test.ts has some'] as const,
  ),
  [
    'croft farm store restore /var/lib/croft/store-snapshots/store-20261121T120000Z.snapshot',
    'wants a store of several hosts, and a snapshot of it',
  ],
  ['croft daemon', 'every test farm runs it; it does not end'],
  ['croft host-prepare', 'changes the machine that the test runs on; script/setup runs it'],
  ['croft host-prepare --undo', 'takes away what other farms on the machine need'],
  ['croft init meadow --pool device --pool-path /dev/nvme1n1 --erase nvme1n1', 'wants a disk of that name'],
  ['croft template build debian:12', 'wants mirrors; the cache of the test farms builds it'],
  [
    'croft template build web:v1 --from debian:12 --packages nginx-light,curl --script setup.sh',
    'wants mirrors; test/contract/template-mmdebstrap.test.ts builds such a one',
  ],
  ...[
    'croft template import alpine:3.20 rootfs.tar.xz',
    'croft template import debian:13 rootfs.squashfs incus.tar.xz',
    'croft template import redis:7 ./redis-oci --limit-size 2G',
    'croft template import web:v2 https://example.org/web.tar.zst --sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  ].map(
    (example) => [example, 'wants such archives; test/system/template-images.test.ts makes and imports them'] as const,
  ),
  ['croft template build web:v1 --recipe static', 'wants mirrors; test/system/template-images.test.ts builds it once'],
  ['croft exec web -- apt-get update', 'wants mirrors'],
  ['croft exec web --user www-data --cwd /srv -- git pull', 'wants git; test/system/files.test.ts runs another so'],
  ...[
    'croft volume show shop/prod:uploads',
    'croft volume rm shop/prod:old-uploads',
    'croft volume rm shop/build:cache',
  ].map((example) => [example, 'wants such data; test/sim/volumes.test.ts has some'] as const),
  ['croft edit web', 'wants a terminal for the editor; the same with a file is run'],
  ['croft edit web:/etc/hosts', 'wants a terminal for the editor; test/system/files.test.ts brings one'],
  ['croft console web', 'wants a terminal; test/system/files.test.ts brings one'],
  ...[
    'croft mount add web /srv/photos:/mnt/photos',
    'croft mount add web /srv/music:/mnt/music ro',
    'croft mount rm web /mnt/photos',
  ].map((example) => [example, 'wants such folders of the host; test/system/mounts.test.ts makes some'] as const),
  ...['croft cert import shop.pem', 'croft cert import fullchain.pem --key privkey.pem', 'croft cert import -'].map(
    (example) => [example, 'wants a certificate; test/system/certificates.test.ts makes and imports one'] as const,
  ),
  ['croft cert rm shop.example.org', 'wants one that was imported; test/system/certificates.test.ts has one'],
  ['croft cert issue shop.example.org', 'wants an ACME server; test/system/certificates.test.ts has one'],
  ['croft farm set edge-https=203.0.113.5:443,[2001:db8::5]:443', 'wants those addresses'],
  ['croft revert shop.example.org 52', 'wants that revision; test/system/routes.test.ts reverts another'],
  ['croft farm set listen=198.51.100.1:8443', 'wants that address; test/system/doors.test.ts opens another'],
  ...[
    'croft login',
    'croft login croft.example.org',
    'croft login 198.51.100.1:8443 --farm work',
    'croft logout',
    'croft logout meadow',
    'croft use meadow',
  ].map((example) => [example, 'wants a farm elsewhere; test/system/doors.test.ts has one'] as const),
])

/** Where another exit than 0 is the right answer here. */
export const otherExits: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ['croft doctor', [0, 9]],
  ['croft doctor -o json', [0, 9]],
  // There is no Docker in the farm.
  ['croft doctor --fix docker', [3]],
  // Its journal has one boot.
  ['croft logs web --boot=-1 -n 50', [0, 3]],
  // One host has no key to others.
  ['croft network rotate-key', [4]],
  // Nothing was deployed there.
  ['croft logs shop/prod -f --grep error', [5]],
  ['croft config diff shop/prod', [4]],
  ['croft config diff shop/prod shop:v2 --exit-code', [3]],
  ['croft config set shop/prod instances.count=2 --deploy', [2]],
  ['croft config apply shop/prod', [2]],
  ['croft config apply shop/prod --dry-run', [2]],
  // Nobody's name server knows that name, or there is none to ask.
  ...['croft check', 'croft check shop.example.org', 'croft check shop.example.org --history'].map(
    (example) => [example, [0, 9]] as const,
  ),
])

/** What goes on until it is stopped. */
export const isEndless = (example: string): boolean =>
  /^croft (events|logs web|status|check|route ls|route logs|replica ls|ls (sites|builds|instances))\b.* -[fw]\b/.test(
    example,
  )

/** Guests that an example is going to make must not be there; all others that it may name must. */
const makes = [
  { pattern: /^croft (create|api POST)/, name: 'web' },
  { pattern: /^croft clone/, name: 'web2' },
  { pattern: /^croft rename/, name: 'shop' },
]

export async function prepare(farm: TestFarm, example: string): Promise<void> {
  if (!(await hasTemplate(farm, 'debian:12'))) await farm.addTemplate()
  if (/^croft (template )?rm debian/.test(example)) return void (await farm.croftOk('rm', '--all', '-y'))
  await prepareGuests(farm, example)
  if (example === 'croft snapshot add web@monday') await farm.croftOk('snapshot', 'rm', 'web@monday', '-y')
  if (example.startsWith('croft revert'))
    await farm.croftOk('set', 'web', `label.for=${Buffer.from(example).toString('hex')}`)
  if (/^croft (route|cert|check)/.test(example)) await prepareRoute(farm, example)
  if (/^croft (app|site|build|release|instance|ls (apps|sites|builds|releases|instances)) ?|shop\/prod/.test(example))
    await prepareSites(farm, example)
  if (example.startsWith('croft token')) await prepareTokens(farm, wordsOf(example))
  if (example.startsWith('croft pull web:/etc/motd')) await farm.inGuest('web', 'touch', '/etc/motd')
  await prepareFiles(filesOf(farm))
}

/** One that is added must not be there, nor the names it takes; all others speak of this one. */
async function prepareRoute(farm: TestFarm, example: string): Promise<void> {
  const there = (await list<{ name: string }>(farm, '/v1/routes')).map(({ name }) => name)
  if (example.startsWith('croft route add')) {
    if (there.length > 0) await farm.croftOk('route', 'rm', ...there, '-y')
    return
  }
  const wanted = [
    'shop.example.org',
    ...(example.includes('shop.example.org/health') ? ['shop.example.org/health'] : []),
  ]
  for (const name of wanted) if (!there.includes(name)) await farm.croftOk('route', 'add', name, 'web')
}

/** What is added must not be there, an app that goes has no site; all others speak of these. */
async function prepareSites(farm: TestFarm, example: string): Promise<void> {
  await removeApps(farm)
  if (/^croft app add/.test(example)) return
  for (const name of ['shop', 'blog'])
    await ask(farm, 'POST', '/v1/apps', { name, git: 'https://git.example.org/a.git' })
  if (/^croft site add/.test(example)) return
  await ask(farm, 'POST', '/v1/sites', { name: 'shop/prod' })
  const site = '/v1/sites/shop%2Fprod'
  if (/^croft config unset/.test(example)) await ask(farm, 'PATCH', `${site}/config`, { set: { 'env.DB_HOST': 'db' } })
  if (/^croft secret rm/.test(example)) await ask(farm, 'PUT', `${site}/secrets/DB_PASSWORD`, { value: 'long' })
}

async function removeApps(farm: TestFarm): Promise<void> {
  for (const { name } of await list<{ name: string }>(farm, '/v1/sites'))
    await ask(farm, 'DELETE', `/v1/sites/${encodeURIComponent(name)}`)
  for (const { name } of await list<{ name: string }>(farm, '/v1/apps')) await ask(farm, 'DELETE', `/v1/apps/${name}`)
}

async function ask(farm: TestFarm, method: string, path: string, body?: unknown): Promise<void> {
  const { status, text } = await farm.api(method, `${path}?wait=60000`, body)
  assert.equal(status, 200, `${method} ${path}: ${text}`)
}

/** What examples made that is not a guest. */
export async function tidy(farm: TestFarm): Promise<void> {
  for (const { name } of await list<{ name: string }>(farm, '/v1/routes')) await farm.croftOk('route', 'rm', name, '-y')
  await farm.croftOk('farm', 'set', 'preview-domain=')
  await removeApps(farm)
  for (const { ref } of await list<{ ref: string }>(farm, '/v1/templates'))
    if (ref.startsWith('web:')) await farm.croftOk('template', 'rm', ref, '-y')
  for (const { name } of await list<{ name: string }>(farm, '/v1/tokens')) await farm.croftOk('token', 'rm', name, '-y')
  await farm.croftOk('farm', 'set', 'listen=off')
  await rm(filesOf(farm), { recursive: true })
}

async function prepareGuests(farm: TestFarm, example: string): Promise<void> {
  const made = makes.find(({ pattern }) => pattern.test(example))?.name
  const guests = await list<Guest>(farm, '/v1/guests')
  const more = ['backend', 'post'].filter((name) => example.includes(`${name}:`))
  const wanted = ['web', 'pg', ...more, ...(example.includes('test-') ? ['test-1'] : [])]
  for (const { name } of guests) if (name === made || !wanted.includes(name)) await farm.croftOk('rm', name, '-y')
  for (const name of wanted.filter((each) => each !== made)) {
    const guest = guests.find((each) => each.name === name)
    if (!guest) await farm.croftOk('create', name, 'debian:12', 'memory=256M', 'label.owner=lark')
    else if (guest.status?.state !== 'running') await farm.croftOk('start', name)
    if (/@monday/.test(example)) await takeMonday(farm, name)
  }
}

/** Asked of the daemon itself: a command for each question would take most of the time. */
async function list<T>(farm: TestFarm, path: string): Promise<T[]> {
  const { body } = await farm.api('GET', path)
  assert.ok(Array.isArray(body), path)
  return body as T[]
}

async function hasTemplate(farm: TestFarm, ref: string): Promise<boolean> {
  return (await list<{ ref: string }>(farm, '/v1/templates')).some((template) => template.ref === ref)
}

async function takeMonday(farm: TestFarm, name: string): Promise<void> {
  const taken = await farm.json<{ name: string }[]>('snapshot', 'ls', name)
  if (!taken.some((snapshot) => snapshot.name === 'monday')) await farm.croftOk('snapshot', 'add', `${name}@monday`)
}

/** What is added must not be there, what is shown or removed must; a login needs a door, which an invitation keeps on its port. */
async function prepareTokens(farm: TestFarm, words: readonly string[]): Promise<void> {
  const there = (await list<{ name: string }>(farm, '/v1/tokens')).map(({ name }) => name)
  const named = ['laptop', 'monitor', 'phone'].filter((name) => words.includes(name))
  const adds = words[2] === 'add'
  if (adds) await farm.croftOk('farm', 'set', 'listen=:8443')
  for (const name of named) {
    if (adds && there.includes(name)) await farm.croftOk('token', 'rm', name, '-y')
    if (!adds && !there.includes(name)) await farm.croftOk('token', 'add', name, '--role', 'reader')
  }
}

const filesOf = (farm: TestFarm): string => join(farm.stateDir, 'examples')

async function prepareFiles(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const name of ['site', 'app']) {
    await mkdir(join(folder, name), { recursive: true })
    await writeFile(join(folder, name, 'index'), 'a page\n')
  }
  for (const name of ['motd', 'a.conf']) await writeFile(join(folder, name), `${name}\n`)
  await writeFile(join(folder, 'settings.json'), '{"memory":"300M"}')
}

const fileNames: ReadonlySet<string> = new Set([
  'settings.json',
  'motd',
  'site',
  'a.conf',
  'app',
  'backup',
  'web.tar.zst',
])

/** Ids and revisions are those of the moment, files lie in the farm's folder; what asks is told yes. */
export async function wordsFor(farm: TestFarm, example: string): Promise<string[]> {
  const [operation] = example.includes('k3f9') ? await list<Operation>(farm, '/v1/operations') : []
  const id = operation?.id ?? ''
  const revision = example.includes('41') ? String(await revisionFor(farm, example)) : ''
  const moment: Readonly<Record<string, string>> = { k3f9d2m1c0aa: id, k3f9: id.slice(0, 10), 41: revision }
  const words = wordsOf(example)
    .slice(1)
    .map((word, at) => moment[word] ?? (at > 0 && fileNames.has(word) ? join(filesOf(farm), word) : word))
  if (example === 'croft pull web:/etc/hosts') words.push(join(filesOf(farm), 'hosts'))
  const asks =
    /^croft (rm|restore|data set|revert|snapshot r|template rm|route rm|token rm|site rm|secret rm|farm set)/.test(
      example,
    )
  return asks && !words.includes('-y') ? [...words, '-y'] : words
}

async function revisionFor(farm: TestFarm, example: string): Promise<number | undefined> {
  if (example.includes('sizes/nano'))
    return (await farm.json<{ key: string; revision: number }[]>('data', 'ls', 'sizes/nano'))[0]?.revision
  return (await farm.json<HistoryEntry[]>('history', 'web'))[0]?.revision
}
