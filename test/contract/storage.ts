/** What every storage driver must do. Run for the fake and, as root, for btrfs on a loop file. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { isCode } from '../../src/api/errors.ts'
import { restOf } from '../../src/daemon/moves/rest.ts'
import type { Measure, Ref, Storage } from '../../src/drivers/storage/driver.ts'

export interface StorageUnderTest {
  readonly storage: Storage
  write(ref: Ref, name: string, text: string): Promise<void>
  read(ref: Ref, name: string): Promise<string | undefined>
  close(): Promise<void>
}

const template: Ref = { kind: 'template', id: 'template-1' }
const staging: Ref = { kind: 'staging', id: 'staging-1' }
const root: Ref = { kind: 'root', number: 7, id: 'rootdisk-1' }
const other: Ref = { kind: 'root', number: 8, id: 'rootdisk-2' }
const snapshot: Ref = { kind: 'snapshot', number: 7, id: 'snapshot-1' }
const volume: Ref = { kind: 'volume', id: 'volume-0001' }
const all = [template, staging, root, other, snapshot, volume]

export const hostileRefs: readonly unknown[] = [
  ...[
    '',
    '.',
    '..',
    '../../etc',
    'short',
    'a'.repeat(41),
    'with/slash',
    'UPPERCASE1',
    'new\nline-1',
    'nul\0byte-1',
  ].map((id) => ({ kind: 'template', id })),
  { kind: 'template' },
  { kind: 'staging', id: ['aaaaaaaa'] },
  { kind: 'elsewhere', id: 'template-1' },
  { kind: 'volume', id: '../guests/1' },
  ...[0, -1, 65535, 1.5, Number.NaN, '7', '../1', undefined].map((number) => ({
    kind: 'root',
    number,
    id: 'rootdisk-1',
  })),
]

export function storageContract(name: string, make: () => Promise<StorageUnderTest>): void {
  describe(`storage: ${name}`, () => {
    let under: StorageUnderTest
    let storage: Storage
    /** Another pool of the same kind. */
    let elsewhere: StorageUnderTest
    before(async () => {
      under = await make()
      elsewhere = await make()
      await elsewhere.storage.open()
      storage = under.storage
      await storage.open()
      await storage.open()
    })
    after(() => Promise.all([under?.close(), elsewhere?.close()]))

    const twice = async (work: () => Promise<unknown>) => {
      await work()
      await work()
    }
    const withTemplate = async () => {
      await storage.create(staging)
      await under.write(staging, 'greeting', 'hello')
      await twice(() => storage.clone(staging, template, { readOnly: true }))
      await twice(() => storage.remove(staging))
    }
    const clean = async () => {
      for (const ref of all) await storage.remove(ref)
    }

    test('a template is made in staging, guests are clones of it', async () => {
      await withTemplate()
      assert.equal(await storage.exists(staging), false)
      assert.equal(await storage.exists(template), true)
      await assert.rejects(under.write(template, 'greeting', 'changed'), /EROFS/)
      await twice(() => storage.clone(template, root, { readOnly: false }))
      assert.equal(await under.read(root, 'greeting'), 'hello')
      await clean()
    })

    test('clones and snapshots are independent of what they came from', async () => {
      await withTemplate()
      await storage.clone(template, root, { readOnly: false })
      await storage.clone(template, other, { readOnly: false })
      await under.write(root, 'greeting', 'changed')
      await storage.clone(root, snapshot, { readOnly: true })
      await under.write(root, 'greeting', 'again')
      assert.equal(await under.read(template, 'greeting'), 'hello')
      assert.equal(await under.read(other, 'greeting'), 'hello')
      assert.equal(await under.read(snapshot, 'greeting'), 'changed')
      await storage.remove(template)
      await storage.remove(root)
      assert.equal(await under.read(snapshot, 'greeting'), 'changed')
      const back: Ref = { kind: 'root', number: 7, id: 'rootdisk-3' }
      await storage.clone(snapshot, back, { readOnly: false })
      await storage.remove(snapshot)
      assert.equal(await under.read(back, 'greeting'), 'changed')
      await storage.remove(back)
      await clean()
    })

    test('a clone told twice keeps what was written meanwhile; two at once are one', async () => {
      await withTemplate()
      await Promise.all([1, 2, 3, 4].map(() => storage.clone(template, root, { readOnly: false })))
      await under.write(root, 'mine', 'kept')
      await storage.clone(template, root, { readOnly: false })
      assert.equal(await under.read(root, 'mine'), 'kept')
      assert.equal(await under.read(root, template.id), undefined)
      await clean()
    })

    test('what is not there: false, undefined, NOT_FOUND', async () => {
      assert.equal(await storage.exists(root), false)
      assert.equal(await storage.usage(root), undefined)
      await assert.rejects(storage.clone(template, root, { readOnly: false }), (e) => isCode(e, 'NOT_FOUND'))
      await assert.rejects(storage.limit(root, 1_000_000), (e) => isCode(e, 'NOT_FOUND'))
      await twice(() => storage.remove(root))
      assert.deepEqual(await storage.inventory(), { templates: [], guests: [], volumes: [], staging: [] })
    })

    test('inventory lists refs and manifests; the last ref takes the folder along', async () => {
      await withTemplate()
      await storage.clone(template, root, { readOnly: false })
      await storage.clone(root, snapshot, { readOnly: true })
      await storage.create(staging)
      await twice(() => storage.writeManifest({ template: template.id }, { ref: 'debian:12' }))
      await storage.writeManifest({ guest: 7 }, { name: 'old' })
      await storage.writeManifest({ guest: 7 }, { name: 'web' })
      assert.deepEqual(await storage.inventory(), {
        templates: [{ id: template.id, manifest: { ref: 'debian:12' } }],
        guests: [{ number: 7, roots: [root.id], snapshots: [snapshot.id], manifest: { name: 'web' } }],
        volumes: [],
        staging: [staging.id],
      })
      const held = { roots: [root.id], snapshots: [snapshot.id], manifest: { name: 'web' } }
      assert.deepEqual(await storage.holdings(7), held)
      await storage.remove(root)
      assert.deepEqual((await storage.inventory()).guests[0]?.manifest, { name: 'web' })
      await clean()
      assert.deepEqual(await storage.inventory(), { templates: [], guests: [], volumes: [], staging: [] })
      assert.deepEqual(await storage.holdings(7), { roots: [], snapshots: [], manifest: null })
    })

    test('a volume is nobody’s alone: it has a limit and a manifest, and stays when guests go', async () => {
      await twice(() => storage.writeManifest({ volume: volume.id }, { site: 'shop/prod' }))
      await twice(() => storage.create(volume, 800))
      await Promise.all([1, 2, 3].map(() => storage.create(volume, 800)))
      await twice(() => storage.limit(volume, 50_000_000))
      await under.write(volume, 'upload', 'photograph')
      await storage.create(volume, 800)
      await storage.create(root)
      await storage.remove(root)
      assert.equal(await under.read(volume, 'upload'), 'photograph')
      assert.equal((await storage.usage(volume))?.limitBytes, 50_000_000)
      const { volumes, staging: left } = await storage.inventory()
      assert.deepEqual([volumes, left], [[{ id: volume.id, manifest: { site: 'shop/prod' } }], []])
      await twice(() => storage.remove(volume))
      assert.equal(await storage.exists(volume), false)
      assert.deepEqual((await storage.inventory()).volumes, [])
    })

    test('limits are seen, replaced and lifted', async () => {
      await storage.create(root)
      assert.equal((await storage.usage(root))?.limitBytes, null)
      await twice(() => storage.limit(root, 50_000_000))
      assert.equal((await storage.usage(root))?.limitBytes, 50_000_000)
      await storage.limit(root, 60_000_000)
      assert.equal((await storage.usage(root))?.limitBytes, 60_000_000)
      await twice(() => storage.limit(root, null))
      assert.equal((await storage.usage(root))?.limitBytes, null)
      for (const bytes of [0, -1, 1.5, Number.NaN]) {
        await assert.rejects(storage.limit(root, bytes), (e) => isCode(e, 'BAD_VALUE'))
      }
      await clean()
    })

    test('a disk goes from pool to pool: whole, then what differs, and back', async () => {
      const [first, then, last] = ['snapshot-1', 'snapshot-2', 'snapshot-3'].map(
        (id): Ref => ({ kind: 'snapshot', number: 7, id }),
      ) as [Ref, Ref, Ref]
      await withTemplate()
      await storage.clone(template, root, { readOnly: false })
      await under.write(root, 'big', 'x'.repeat(2_000_000))
      await storage.clone(root, first, { readOnly: true })
      const whole = await carry(storage, elsewhere.storage, first)
      await under.write(root, 'greeting', 'changed')
      await storage.clone(root, then, { readOnly: true })
      const less = await carry(storage, elsewhere.storage, then, first)
      assert.ok(whole.bytes > 2_000_000 && less.bytes < 100_000, `${whole.bytes}, then ${less.bytes}`)
      assert.equal(await elsewhere.read(first, 'greeting'), 'hello')
      assert.equal(await elsewhere.read(then, 'greeting'), 'changed')
      await assert.rejects(elsewhere.write(then, 'greeting', 'mine'), /EROFS/)

      await elsewhere.storage.clone(then, root, { readOnly: false })
      await elsewhere.storage.limit(root, 50_000_000)
      await elsewhere.write(root, 'greeting', 'there')
      await elsewhere.storage.clone(root, last, { readOnly: true })
      await elsewhere.storage.remove(root)
      assert.ok((await carry(elsewhere.storage, storage, last, then)).bytes < 100_000)
      assert.equal(await under.read(last, 'greeting'), 'there')
      assert.equal((await under.read(last, 'big'))?.length, 2_000_000)
      for (const each of [storage, elsewhere.storage]) for (const ref of [...all, then, last]) await each.remove(ref)
      assert.deepEqual(await elsewhere.storage.inventory(), { templates: [], guests: [], volumes: [], staging: [] })
    })

    test('what did not come whole is not there: cut, another hash, no room, nothing to differ from', async () => {
      await storage.create(root)
      await under.write(root, 'big', 'x'.repeat(3_000_000))
      await storage.clone(root, snapshot, { readOnly: true })
      await under.write(root, 'more', 'y')
      const next: Ref = { kind: 'snapshot', number: 7, id: 'snapshot-2' }
      await storage.clone(root, next, { readOnly: true })
      const target = elsewhere.storage
      const isAway = async (ref: Ref) => {
        assert.equal(await target.exists(ref), false)
        assert.deepEqual((await target.inventory()).staging, [])
      }
      for (const share of [0, 0.3, 0.999]) {
        const bytes = await bytesOf(storage, snapshot)
        const part = bytes.subarray(0, Math.floor(bytes.length * share))
        const sha256 = createHash('sha256').update(bytes).digest('hex')
        await assert.rejects(target.receive(snapshot, Readable.from([part]), { sha256 }))
        await isAway(snapshot)
      }
      await assert.rejects(target.receive(snapshot, breaking(await bytesOf(storage, snapshot))), /the line broke/)
      await isAway(snapshot)
      await assert.rejects(target.receive(snapshot, Readable.from([Buffer.from('no stream at all')])))
      await isAway(snapshot)
      const { stream } = await storage.send(snapshot)
      await assert.rejects(target.receive(snapshot, stream, { sha256: 'f'.repeat(64) }), (e) =>
        isCode(e, 'HASH_DIFFERS'),
      )
      await isAway(snapshot)
      const tooLarge = (e: unknown) => isCode(e, 'TOO_LARGE')
      const whole = await storage.send(snapshot)
      await assert.rejects(target.receive(snapshot, whole.stream, { mostBytes: 2_999_000 }), tooLarge)
      await isAway(snapshot)
      const short = await storage.send(snapshot, { mostBytes: 2_999_000 })
      await assert.rejects(short.stream.toArray(), tooLarge)
      await assert.rejects(short.sent, tooLarge)
      const difference = await storage.send(next, { parent: snapshot })
      await assert.rejects(target.receive(next, difference.stream), (e) => isCode(e, 'NOT_FOUND'))
      await isAway(next)

      await assert.rejects(
        async () => bytesOf(storage, root),
        (e) => isCode(e, 'REFUSED'),
      )
      await assert.rejects(storage.send({ ...snapshot, id: 'snapshot-9' }), (e) => isCode(e, 'NOT_FOUND'))
      await carry(storage, target, snapshot)
      const again = await storage.send(snapshot)
      assert.equal(await target.receive(snapshot, again.stream), undefined)
      await target.remove(snapshot)
      for (const ref of [...all, next]) await storage.remove(ref)
    })

    test('what is being sent, or what it differs from, can be removed: nobody waits for who reads slowly', async () => {
      await storage.create(root)
      await storage.clone(root, snapshot, { readOnly: true })
      await under.write(root, 'big', 'x'.repeat(3_000_000))
      const next: Ref = { kind: 'snapshot', number: 7, id: 'snapshot-2' }
      await storage.clone(root, next, { readOnly: true })
      for (const gone of [snapshot, next]) {
        const parent = gone === snapshot ? { parent: snapshot } : {}
        const { stream } = await storage.send(next, parent)
        stream.on('error', () => undefined)
        await storage.remove(gone)
        assert.equal(await storage.exists(gone), false)
        stream.destroy()
      }
      for (const ref of [...all, next]) await storage.remove(ref)
    })

    test('a volume travels as snapshots of a guest, and becomes a volume again', async () => {
      const [first, last] = ['pass-one', 'pass-last'].map((id): Ref => ({ kind: 'snapshot', number: 7, id }))
      assert.ok(first && last)
      await storage.create(volume, 800)
      await under.write(volume, 'letter', 'dear reader')
      await storage.clone(volume, first, { readOnly: true })
      await carry(storage, elsewhere.storage, first)
      await under.write(volume, 'answer', 'dear writer')
      await storage.clone(volume, last, { readOnly: true })
      await carry(storage, elsewhere.storage, last, first)
      await twice(() => elsewhere.storage.clone(last, volume, { readOnly: false }))
      for (const ref of [first, last]) await elsewhere.storage.remove(ref)
      assert.equal(await elsewhere.read(volume, 'letter'), 'dear reader')
      assert.equal(await elsewhere.read(volume, 'answer'), 'dear writer')
      for (const ref of [volume, first, last]) for (const pool of [storage, elsewhere.storage]) await pool.remove(ref)
      await clean()
    })

    test('sent again it is the same stream, whatever happened beside it: what broke off goes on with the rest', async () => {
      const big = Array.from({ length: 200_000 }, (_, at) => `line ${at}`).join('\n')
      await storage.create(root)
      await under.write(root, 'big', big)
      await storage.clone(root, snapshot, { readOnly: true })
      const bytes = await bytesOf(storage, snapshot)
      await under.write(root, 'big', 'another')
      await storage.clone(snapshot, other, { readOnly: false })
      const known = bytes.subarray(0, Math.floor(bytes.length * 0.6))
      const begun = { bytes: known.length, sha256: createHash('sha256').update(known).digest('hex') }
      const { stream, sent } = await restOf(await storage.send(snapshot), begun)
      const whole = (async function* () {
        yield known
        yield* stream
      })()
      const sha256 = sent.then((measure) => measure.sha256)
      const got = await elsewhere.storage.receive(snapshot, Readable.from(whole, { objectMode: false }), { sha256 })
      assert.equal(got?.bytes, bytes.length)
      assert.equal(await elsewhere.read(snapshot, 'big'), big)
      await elsewhere.storage.remove(snapshot)
      await assert.rejects(
        async () => restOf(await storage.send(snapshot), { ...begun, bytes: begun.bytes - 1 }),
        (e) => isCode(e, 'HASH_DIFFERS'),
      )
      for (const ref of all) await storage.remove(ref)
    })

    test('two copies of one disk that arrive at once are one', async () => {
      await withTemplate()
      await Promise.all([1, 2].map(() => carry(storage, elsewhere.storage, template).catch((e) => assert.fail(e))))
      assert.equal(await elsewhere.read(template, 'greeting'), 'hello')
      await elsewhere.storage.remove(template)
      await clean()
    })

    test('hostile ids and numbers are refused everywhere', async () => {
      for (const hostile of hostileRefs as Ref[]) {
        const bad = (e: unknown) => isCode(e, 'BAD_VALUE')
        assert.throws(() => storage.path(hostile), bad)
        await assert.rejects(async () => storage.exists(hostile), bad)
        await assert.rejects(async () => storage.create(hostile), bad)
        await assert.rejects(async () => storage.remove(hostile), bad)
        await assert.rejects(async () => storage.send(hostile), bad)
        await assert.rejects(async () => storage.receive(hostile, Readable.from([])), bad)
        await assert.rejects(async () => storage.clone(hostile, root, { readOnly: false }), bad)
        await assert.rejects(async () => storage.clone(template, hostile, { readOnly: false }), bad)
        await assert.rejects(async () => storage.limit(hostile, 1000), bad)
        await assert.rejects(async () => storage.usage(hostile), bad)
      }
      await assert.rejects(
        async () => storage.writeManifest({ template: '../x' }, {}),
        (e) => isCode(e, 'BAD_VALUE'),
      )
      await assert.rejects(
        async () => storage.writeManifest({ guest: 0 }, {}),
        (e) => isCode(e, 'BAD_VALUE'),
      )
    })

    test('closed means POOL_MISSING, never "not there"; opened again all is as it was', async () => {
      await withTemplate()
      await twice(() => storage.close())
      assert.equal((await storage.state()).mounted, false)
      const missing = (e: unknown) => isCode(e, 'POOL_MISSING')
      await assert.rejects(storage.exists(template), missing)
      await assert.rejects(storage.inventory(), missing)
      await assert.rejects(storage.create(root), missing)
      await assert.rejects(storage.clone(template, root, { readOnly: false }), missing)
      await assert.rejects(storage.remove(template), missing)
      await assert.rejects(storage.usage(template), missing)
      await assert.rejects(storage.writeManifest({ guest: 7 }, {}), missing)
      await twice(() => storage.open())
      assert.equal((await storage.state()).mounted, true)
      assert.equal(await under.read(template, 'greeting'), 'hello')
      await clean()
    })
  })
}

async function carry(from: Storage, to: Storage, ref: Ref, parent?: Ref): Promise<Measure> {
  const { stream, sent } = await from.send(ref, parent ? { parent } : {})
  const got = await to.receive(ref, stream, { sha256: sent.then(({ sha256 }) => sha256) })
  if (!got) return { bytes: 0, sha256: '' }
  assert.deepEqual(got, await sent)
  return got
}

const bytesOf = async (storage: Storage, ref: Ref): Promise<Buffer> =>
  Buffer.concat(await (await storage.send(ref)).stream.toArray())

const breaking = (bytes: Buffer): Readable =>
  Readable.from(
    (function* () {
      yield bytes.subarray(0, bytes.length / 2)
      throw new Error('the line broke')
    })(),
  )
