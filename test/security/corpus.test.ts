/** Hostile values in every field of every route, sent to a real daemon; and as every argument of the command. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorTable } from '../../src/api/errors.ts'
import { type Attack, attacks, canPlan, type World } from './corpus.ts'
import { marker } from './hostile.ts'
import { type Answer, Kept } from './raw.ts'
import { useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
await farm.croftOk('create', 'victim', 'debian:12', '--no-start', 'label.owner=lark')
await farm.croftOk('snapshot', 'add', 'victim@snap')
await farm.croftOk('token', 'add', 'lark', '--role', 'reader')
await farm.croftOk('site', 'add', 'shop/prod')
const [operation] = await farm.json<{ id: string }[]>('op', 'ls')
const world: World = {
  guest: 'victim',
  snapshot: 'snap',
  template: 'debian:12',
  host: farm.hostName,
  operation: operation?.id ?? '',
  token: 'lark',
  route: 'shop.example.org',
  app: 'shop',
  site: 'shop/prod',
  secret: 'DB_PASSWORD',
  size: 'small',
}

test('nothing hostile gets further than the schemas', async () => {
  const before = await pictureOfFarm()
  const faults: string[] = []
  let sent = 0
  await inParallel(
    6,
    attacks(world, (values) => values),
    async (attack, connection) => {
      // What the schemas take is asked for as a plan only: here it is to be seen that a plan changes nothing.
      if (attack.valid && attack.method !== 'GET' && (!canPlan(attack.route) || attack.where === '?dryRun')) return
      const reply = await send(connection, attack)
      sent += 1
      const fault = faultOf(attack, reply)
      if (fault !== undefined && faults.length < 20) faults.push(fault)
    },
  )
  assert.ok(sent > 5000, `${sent} requests`)
  assert.deepEqual(faults, [])
  assert.equal(await pictureOfFarm(), before)
  assertNoMarker(['croft.db', 'croft.db-wal'])
})

/** One line of a plan, or the refusal: one line with a code of ours. */
function faultOf(attack: Attack, { status, text }: Answer): string | undefined {
  const said = `${attack.method} ${attack.path.slice(0, 120)} ${attack.where} ${JSON.stringify(attack.value)?.slice(0, 80)}: ${status} ${text.slice(0, 200)}`
  if (status >= 500) return said
  if (status < 300) return attack.valid ? undefined : `taken though invalid: ${said}`
  const body = parsed(text) as { code?: string; message?: string; hint?: string }
  if (!Object.hasOwn(errorTable, body?.code ?? '')) return `no code of ours: ${said}`
  for (const line of [body.message, body.hint ?? 'none']) {
    if (typeof line !== 'string' || line === '' || line.length > 500 || /[\p{C}\p{Zl}\p{Zp}]/u.test(line))
      return `not one clean line: ${said}`
  }
  return undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** As Node's own client would write it. */
function send(connection: Kept, attack: Attack): Promise<Answer> {
  const plan = attack.valid && attack.method !== 'GET'
  const path = plan ? `${attack.path}${attack.path.includes('?') ? '&' : '?'}dryRun=1` : attack.path
  const head = `${attack.method} ${path} HTTP/1.1\r\nhost: localhost\r\n`
  if (attack.body === undefined) return connection.ask(`${head}content-length: 0\r\n\r\n`)
  const text = JSON.stringify(attack.body)
  const length = Buffer.byteLength(text)
  return connection.ask(`${head}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${text}`)
}

type Work<T> = (item: T, connection: Kept) => Promise<void>
async function inParallel<T>(count: number, items: Iterable<T>, work: Work<T>): Promise<void> {
  const queue = items[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: count }, async () => {
      using connection = new Kept(farm.socket)
      for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value, connection)
    }),
  )
}

/** All that can be read of the farm, with the revision of its store. */
async function pictureOfFarm(): Promise<string> {
  const lists = [
    'guests',
    'snapshots',
    'templates',
    'hosts/ash/plan',
    'pools',
    'networks',
    'sizes',
    'history',
    'operations',
    'data',
    'farm',
    'tokens',
  ]
  const texts = await Promise.all(
    lists.map(async (list) => (await farm.api('GET', `/v1/${list}`)).text.replace(/"freeBytes":\d+/, '')),
  )
  const { store } = await farm.json<{ store: { revision: number } }>('status')
  return [...texts, store.revision].join('\n')
}

/** Neither as a name nor in a file, but for those of these names. The disks of guests are their own affair. */
function assertNoMarker(also: readonly string[] = []): void {
  const files = readdirSync(farm.stateDir, { recursive: true, withFileTypes: true })
  for (const entry of files) {
    const path = join(entry.parentPath, entry.name)
    assert.ok(!entry.name.includes(marker), path)
    if (!entry.isFile() || (entry.name.startsWith('croft.db') && !also.includes(entry.name))) continue
    assert.ok(!readFileSync(path).includes(marker), path)
  }
}
