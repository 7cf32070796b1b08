/** What every template builder must do. Run for the fake and, as root with a network, for mmdebstrap. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CroftError, isCode } from '../../src/api/errors.ts'
import { checkTemplate } from '../../src/drivers/template/check.ts'
import type { TemplateBuilder, TemplateSource } from '../../src/drivers/template/driver.ts'

export interface BuilderUnderTest {
  readonly name: string
  readonly builder: TemplateBuilder
  readonly uidBase: number
  /** A build that ends only when cancelled, or takes long; aborted at this line. */
  readonly long: TemplateSource
  readonly abortAt: RegExp
  readonly good: TemplateSource
  /** What must hold after a good build, beyond the check. */
  look(root: string): Promise<void>
  /** Left-overs of builds: processes, mounts, work files. */
  leftovers(): Promise<readonly string[]>
}

export function templateContract(under: BuilderUnderTest): void {
  const { builder, uidBase, leftovers } = under

  async function inFolder(work: (root: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'croft-template-'))
    try {
      await mkdir(join(folder, 'root'), { mode: 0o755 })
      await work(join(folder, 'root'))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  describe(`template builder: ${under.name}`, () => {
    test('a build fills the folder with a tree that passes the check', () =>
      inFolder(async (root) => {
        const lines: string[] = []
        const { signal } = new AbortController()
        const result = await builder.build(under.good, root, { signal, uidBase, onLine: (line) => lines.push(line) })
        const { sha256, sizeBytes, files } = await checkTemplate(root)
        assert.deepEqual([result.sha256, result.sizeBytes, result.facts.files], [sha256, sizeBytes, files])
        assert.ok(lines.length > 0)
        await under.look(root)
        assert.deepEqual(await leftovers(), [])
      }))

    test('an unknown package is BUILD_FAILED with its name and a hint', () =>
      inFolder(async (root) => {
        const { signal } = new AbortController()
        const source = { ...under.good, packages: ['no-such-package'] }
        await assert.rejects(
          builder.build(source, root, { signal, uidBase, onLine: () => {} }),
          (e) =>
            e instanceof CroftError &&
            e.code === 'BUILD_FAILED' &&
            /no-such-package/.test(e.message) &&
            Boolean(e.hint),
        )
        assert.deepEqual(await leftovers(), [])
      }))

    test('a cancelled build is CANCELLED and leaves nothing', () =>
      inFolder(async (root) => {
        const stop = new AbortController()
        const onLine = (line: string) => {
          if (under.abortAt.test(line)) stop.abort()
        }
        const cancelled = (e: unknown) => isCode(e, 'CANCELLED')
        await assert.rejects(builder.build(under.long, root, { signal: stop.signal, uidBase, onLine }), cancelled)
        assert.deepEqual(await leftovers(), [])
        await assert.rejects(builder.build(under.good, root, { signal: stop.signal, uidBase, onLine }), cancelled)
        assert.deepEqual(await readdir(root), [])
      }))
  })
}
