/** Who may read what a daemon wrote; and that no secret of the host gets out by an answer, a record or a log. */
import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Route, routes } from '../../src/api/routes.ts'
import { fill } from './corpus.ts'
import { asNobody, rootOf, useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
await farm.croftOk('create', 'web', 'debian:12', '--publish', '8080:80')
await farm.croftOk('snapshot', 'add', 'web@snap')
await farm.croftOk('route', 'add', 'shop.example.org', 'web')

/** The first that fits. What stands here for others to read is what a guest, or the name server, must read, and not its own. */
const table: readonly (readonly [pattern: RegExp, mode: string])[] = [
  [/^$/, 'drwx--x--x'],
  [/^lxc$/, 'drwx--x--x'],
  [/^lxc\/\d+$/, 'drwx--x--x'],
  [/^lxc\/\d+\/first$/, 'drwxr-xr-x'],
  [/^lxc\/\d+\/first\/first$/, '-rwxr-xr-x'],
  [/^lxc\/\d+\/first\/(id|hostname|hosts|resolv|keys|mounts)$/, '-rw-r--r--'],
  [/^lxc\/seccomp$/, '-rw-r--r--'],
  [/^lxc\/\d+\/log$/, '-rw-r-----'],
  // dnsmasq reads them as a user of its own; that there are guests of these names is no secret of the host.
  [/^names$/, 'drwx--x--x'],
  [/^names\/hosts$/, 'drwxr-xr-x'],
  [/^names\/hosts\/zone$/, '-rw-r--r--'],
  [/^(read\.)?sock$/, 'srw-------'],
  // What HAProxy made itself, and the empty folder that it is locked into.
  [/^edge\/access\.pipe$/, 'prw-------'],
  [/^edge\/haproxy\.pid$/, '-rw-r--r--'],
  [/^edge\/jail$/, 'drwxr-xr-x'],
  [/^edge\/[a-z]+\.sock$/, 'srw-------'],
  // Of the test, not of the daemon.
  [/^(owner|daemon\.log)$/, '-rw-r--r--'],
]

test('nobody else reads or writes what the daemon keeps', () => {
  const wrong = everything(farm.stateDir).flatMap((path) => {
    const name = path.slice(farm.stateDir.length + 1)
    const stats = lstatSync(path)
    // Of dnsmasq and its user; croft believes no number in it without a look at the process.
    if (/^names\/(open|closed)\.pid$/.test(name)) return stats.mode & 0o022 ? [`${name} may be written`] : []
    const kind = stats.isDirectory() ? 'd' : stats.isSocket() ? 's' : stats.isFIFO() ? 'p' : stats.isFile() ? '-' : '?'
    const mode = kind + letters(stats.mode)
    const wanted = table.find(([pattern]) => pattern.test(name))?.[1] ?? (kind === 'd' ? 'drwx------' : '-rw-------')
    const right = mode === wanted && stats.uid === 0 && stats.gid === 0
    return right ? [] : [`${name} is ${mode} ${stats.uid}:${stats.gid}, not ${wanted} 0:0`]
  })
  assert.deepEqual(wrong, [])
})

test('nobody else gets into the pool', async () => {
  const root = await rootOf(farm, 'web')
  const [guest, roots] = [join(root, '../..'), join(root, '..')]
  for (const folder of [
    farm.poolDir,
    ...['guests', 'templates', 'staging'].map((name) => join(farm.poolDir, name)),
    guest,
    roots,
  ])
    assert.equal(letters(lstatSync(folder).mode), 'rwx------', folder)
  const files = readdirSync(farm.poolDir, { withFileTypes: true }).concat(
    readdirSync(join(farm.poolDir, 'templates'), { withFileTypes: true }),
  )
  for (const file of files.filter((entry) => entry.isFile()))
    assert.equal(letters(lstatSync(join(file.parentPath, file.name)).mode), 'rw-------', file.name)
  assert.equal(letters(lstatSync(join(guest, 'guest.json')).mode), 'rw-------')
  for (const [tool, path] of [
    ['ls', farm.poolDir],
    ['ls', root],
    ['cat', join(farm.stateDir, 'store/croft.db')],
    ['cat', join(farm.stateDir, 'lxc/1/config')],
  ] as const)
    assert.notEqual((await farm.host(asNobody(tool, '--', path))).code, 0, path)
})

test('no secret of the host is in an answer, a record or a log', async () => {
  const secret = `croft-secret-${process.pid}-canary`
  const planted = `/root/${secret}`
  writeFileSync(planted, secret, { mode: 0o600 })
  after(() => rmSync(planted, { force: true }))
  await farm.restartDaemon({ env: { CROFT_TEST_SECRET: secret, SECRET_TOKEN: secret } })
  const told = [readFileSync(farm.logFile, 'utf8')]
  const world = { guest: 'web', snapshot: 'snap', template: 'debian:12', host: farm.hostName, operation: 'abcdefghij' }
  // A template as an archive is the template's; compressed bytes hold any three letters in the end.
  for (const { method, path } of Object.values(routes) as Route[])
    if (method === 'GET' && !path.endsWith('/archive')) told.push((await farm.api('GET', fill(path, world))).text)
  told.push(await farm.inGuest('web', 'env'), await farm.inGuest('web', 'cat', '/proc/1/environ'))
  const isKey = (path: string) =>
    /^(pki\/(ca|host)|edge\/certs\/[\w.-]+)\.pem$/.test(path.slice(farm.stateDir.length + 1))
  for (const path of everything(farm.stateDir))
    if (lstatSync(path).isFile() && !isKey(path)) told.push(readFileSync(path, 'latin1'))
  for (const text of told) assert.doesNotMatch(text, new RegExp(`${secret}|PRIVATE KEY|\\$6\\$|\\$y\\$`))
  await farm.croftOk('route', 'rm', 'shop.example.org', '-y')
})

function everything(path: string): string[] {
  const inside = readdirSync(path, { recursive: true, withFileTypes: true })
  return [path, ...inside.map((entry) => join(entry.parentPath, entry.name))]
}

function letters(mode: number): string {
  return [...'rwxrwxrwx'].map((letter, at) => ((mode >> (8 - at)) & 1 ? letter : '-')).join('')
}
