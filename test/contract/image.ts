/** What all that work on images must do. Run for the fake and, as root, for the tools. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { CroftError } from '../../src/api/errors.ts'
import type { Init } from '../../src/api/guest.ts'
import type { Images } from '../../src/drivers/image/driver.ts'

export interface ImagesUnderTest {
  readonly images: Images
  /** Where files of the test may lie. */
  readonly folder: string
  readonly uidBase: number
  /** An empty folder, fit to be unpacked into. */
  root(): Promise<string>
  /** An archive of a tree that has this text in `etc/fake`, as this family writes them. */
  archiveOf(text: string): Buffer
  /** Takes long to unpack. */
  readonly long: Buffer
  /** Resolves when an unpacking is at work. */
  atWork(): Promise<void>
  /** Processes, mounts, work files. */
  leftovers(): Promise<readonly string[]>
  close(): Promise<void>
}

const limits = { bytes: 64 * 1024 ** 2, files: 1000 }
const system: Init = { kind: 'system' }
const command: Init = {
  ...{ kind: 'command', words: ['/bin/one', "it's"], env: ['A=b'], user: 7, group: 8 },
  ...{ folder: '/srv', stopSignal: 15 },
}

export function imageContract(name: string, open: () => Promise<ImagesUnderTest>): void {
  describe(`images: ${name}`, () => {
    let under: ImagesUnderTest
    let files = 0
    before(async () => {
      under = await open()
    })
    after(() => under.close())

    const going = () => ({ signal: AbortSignal.timeout(60_000), uidBase: under.uidBase })
    const textIn = (root: string) => readFile(join(root, 'etc/fake'), 'utf8')
    const isCode = (code: string) => (thrown: unknown) => thrown instanceof CroftError && thrown.code === code

    async function saved(archive: Uint8Array): Promise<string> {
      const path = join(under.folder, `archive${++files}`)
      await writeFile(path, archive)
      return path
    }

    async function unpacked(archive: Uint8Array): Promise<string> {
      const root = await under.root()
      await under.images.unpack(await saved(archive), root, { ...going(), limits })
      return root
    }

    async function packed(root: string, init: Init): Promise<Buffer> {
      const { output, ended } = await under.images.pack(root, { init }, going())
      const [archive] = await Promise.all([buffer(output), ended])
      return archive
    }

    test('an archive fills the folder; what it says of itself is told', async () => {
      const root = await under.root()
      const archive = await saved(under.archiveOf('one'))
      const facts = await under.images.unpack(archive, root, { ...going(), limits })
      assert.equal(await textIn(root), 'one')
      assert.deepEqual(facts.init, system)
      assert.ok(facts.files > 0 && facts.bytes >= 3 && facts.bytes < limits.bytes)
      assert.deepEqual(await readFile(archive), under.archiveOf('one'), 'the archive is as it was')
      assert.deepEqual(await under.leftovers(), [])
    })

    test('what is packed is the same when it is unpacked, and so is what starts in it; packed twice it is the same bytes', async () => {
      const first = await packed(await unpacked(under.archiveOf('kept')), command)
      const root = await under.root()
      const facts = await under.images.unpack(await saved(first), root, { ...going(), limits })
      assert.deepEqual([await textIn(root), facts.init, facts.format], ['kept', command, 'croft'])
      assert.deepEqual(await packed(root, command), first)
      assert.deepEqual(await under.leftovers(), [])
    })

    test('work side by side does not meet', async () => {
      const texts = ['a', 'b', 'c']
      const roots = await Promise.all(texts.map((text) => unpacked(under.archiveOf(text))))
      assert.deepEqual(await Promise.all(roots.map(textIn)), texts)
      assert.deepEqual(await under.leftovers(), [])
    })

    test('no archive, one cut off, and more than may be is TEMPLATE_UNSAFE', async () => {
      const good = under.archiveOf('x'.repeat(5000))
      for (const bad of [Buffer.from('no archive\n'.repeat(100)), Buffer.alloc(0), good.subarray(0, good.length / 2)])
        await assert.rejects(unpacked(bad), isCode('TEMPLATE_UNSAFE'))
      const small = { ...going(), limits: { ...limits, bytes: 100 } }
      await assert.rejects(under.images.unpack(await saved(good), await under.root(), small), isCode('TEMPLATE_UNSAFE'))
      assert.deepEqual(await under.leftovers(), [])
    })

    test('an archive or a folder that is not there is a failure, not an unsafe archive', async () => {
      const gone = join(under.folder, 'gone')
      const reads = under.images.unpack(gone, await under.root(), { ...going(), limits })
      await assert.rejects(reads, (thrown) => !isCode('TEMPLATE_UNSAFE')(thrown))
      await assert.rejects(packed(gone, system))
      assert.deepEqual(await under.leftovers(), [])
    })

    test('cancelled before, at once, or while it works: CANCELLED, and nothing runs on', async () => {
      const long = await saved(under.long)
      const before = AbortSignal.abort()
      const at = new AbortController()
      const during = new AbortController()
      const start = async (signal: AbortSignal) =>
        under.images.unpack(long, await under.root(), {
          uidBase: under.uidBase,
          signal,
          limits: { ...limits, bytes: 2 ** 34 },
        })
      await assert.rejects(start(before), isCode('CANCELLED'))
      const first = start(at.signal)
      at.abort()
      await assert.rejects(first, isCode('CANCELLED'))
      const second = start(during.signal)
      second.catch(() => {})
      await under.atWork()
      during.abort()
      await assert.rejects(second, isCode('CANCELLED'))
      const root = await unpacked(under.archiveOf('still'))
      const pack = under.images.pack(root, { init: system }, { uidBase: under.uidBase, signal: before })
      await assert.rejects(pack, isCode('CANCELLED'))
      assert.equal(await textIn(root), 'still', 'nothing was changed')
      assert.deepEqual(await under.leftovers(), [])
    })

    test('sweeping, once and once more, leaves what was made as it is', async () => {
      const root = await unpacked(under.archiveOf('stays'))
      await under.images.sweep()
      await under.images.sweep()
      assert.equal(await textIn(root), 'stays')
    })
  })
}
