/** A disk that is longer as a stream than its guest can have written, and one that cannot be read: each is said, and not sent for ever. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CroftError } from '../../src/api/errors.ts'
import type { Replica } from '../../src/api/replica.ts'
import type { SendOptions } from '../../src/drivers/storage/driver.ts'
import { TwoHosts } from './two-hosts.ts'

const limit = 2 ** 30
const slack = 2 ** 28
const body = { to: 'birch', every: '1m' }

async function withWeb(two = new TwoHosts()): Promise<TwoHosts> {
  await two.open()
  await two.ash.ask('createGuest', { body: { name: 'web', template: 'debian:12', disk: limit } })
  await two.pass(1)
  return two
}

const replica = async ({ ash }: TwoHosts) => ((await ash.ask('listReplicas', {})) as Replica[])[0]
const passes = ({ asked }: TwoHosts) => asked.filter((line) => line.startsWith('POST') && line.includes('/disks/'))

/** What is asked of the disks of ash, with another bound. */
function bounding(two: TwoHosts, isTooLong: (options: SendOptions) => boolean): SendOptions[] {
  const told: SendOptions[] = []
  const { storage } = two.ash
  const send = storage.send.bind(storage)
  storage.send = (ref, options = {}) => {
    if (ref.kind !== 'snapshot') return send(ref, options)
    told.push(options)
    return send(ref, isTooLong(options) ? { ...options, mostBytes: 10 } : options)
  }
  return told
}

test('a difference that is too long goes as a whole disk, once', async () => {
  const two = await withWeb()
  const told = bounding(two, ({ parent }) => parent !== undefined)
  await two.ash.ask('replicateGuest', { params: { guest: 'web' }, body })
  assert.ok(await two.until(async () => (await replica(two))?.state === 'ready'), two.ash.lines.join('\n'))
  assert.deepEqual(
    told.map(({ parent, mostBytes }) => [parent?.kind, mostBytes]),
    [
      ['template', limit + slack],
      [undefined, undefined],
    ],
  )
})

test('what is too long as a whole disk too is said, and tried again much later', async () => {
  const two = await withWeb()
  bounding(two, () => true)
  await two.ash.ask('replicateGuest', { params: { guest: 'web' }, body })
  assert.ok(await two.until(async () => (await replica(two))?.reason !== undefined))
  assert.match((await replica(two))?.reason ?? '', /longer than 10 bytes, the most that its limit allows for/)
  two.asked.length = 0
  await two.skip(250)
  assert.deepEqual(passes(two), [])
  await two.skip(100)
  assert.ok(await two.until(async () => passes(two).length > 0))
})

test('the host that it goes to takes no more than the disk can hold', async () => {
  const two = await withWeb()
  let most: number | undefined
  const { storage } = two.birch
  const receive = storage.receive.bind(storage)
  storage.receive = (ref, stream, options) => {
    if (ref.kind === 'snapshot') most = options?.mostBytes
    return receive(ref, stream, options)
  }
  await two.ash.ask('replicateGuest', { params: { guest: 'web' }, body })
  assert.ok(await two.until(async () => (await replica(two))?.state === 'ready'))
  assert.ok(most !== undefined && most >= 4 * limit + slack && most < 5 * limit + slack, `${most}`)
})

test('a disk that cannot be read: that is told, not that the line broke', async () => {
  const two = new TwoHosts()
  const peers = two.ash.peers?.() ?? assert.fail()
  two.ash.peers = () => ({
    ...peers,
    request: (host, asked) =>
      asked.path.includes('/disks/')
        ? Promise.reject(new CroftError('HOST_UNREACHABLE', `host ${host} does not answer: it hung up`))
        : peers.request(host, asked),
  })
  await withWeb(two)
  const { storage } = two.ash
  const send = storage.send.bind(storage)
  storage.send = async (ref, options) => {
    if (ref.kind !== 'snapshot') return send(ref, options)
    const { stream } = await send(ref, options)
    const own = new CroftError('REFUSED', 'a path in it is too long to be sent')
    const sent = new Promise<never>((_, reject) => setTimeout(reject, 5, own))
    sent.catch(() => undefined)
    return { stream, sent }
  }
  await two.ash.ask('replicateGuest', { params: { guest: 'web' }, body })
  assert.ok(await two.until(async () => (await replica(two))?.reason !== undefined))
  assert.match((await replica(two))?.reason ?? '', /too long to be sent/)
})
