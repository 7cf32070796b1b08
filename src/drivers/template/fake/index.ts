/** Writes a tiny tree that passes the check, at once. What a test wants to go wrong is said by package names. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CroftError } from '../../../api/errors.ts'
import { checkTemplate } from '../check.ts'
import type { TemplateBuilder } from '../driver.ts'

/** A package of this name is not found. */
export const missingPackage = 'no-such-package'
/** A build with this package ends only by its signal. */
export const endlessPackage = 'endless'

export function createFakeBuilder(): TemplateBuilder {
  return {
    name: 'fake',
    check() {},
    async build(source, targetDir, { signal, onLine }) {
      const cancelled = () => new CroftError('CANCELLED', 'the build was cancelled', { cause: signal.reason })
      if (signal.aborted) throw cancelled()
      onLine(`I: building ${source.from}`)
      if (source.packages.includes(missingPackage)) {
        const said = `E: Unable to locate package ${missingPackage}`
        onLine(said)
        throw new CroftError('BUILD_FAILED', `${source.from} could not be built\n${said}`, {
          hint: 'no such package in this distribution: look on packages.debian.org',
        })
      }
      while (source.packages.includes(endlessPackage)) {
        await sleep(60_000, undefined, { signal }).catch(() => {
          throw cancelled()
        })
      }
      await writeTree(targetDir, source.from)
      const { sizeBytes, sha256, files } = await checkTemplate(targetDir)
      return { sizeBytes, sha256, facts: { distribution: 'fake', suite: source.from, files } }
    },
    async sweep() {},
  }
}

async function writeTree(root: string, from: string): Promise<void> {
  for (const folder of ['sbin', 'etc', 'dev', 'proc', 'sys', 'run', 'tmp']) await mkdir(join(root, folder))
  await writeFile(join(root, 'sbin/init'), '#!/bin/false\n')
  await chmod(join(root, 'sbin/init'), 0o755)
  await writeFile(join(root, 'etc/machine-id'), '')
  await writeFile(join(root, 'etc/os-release'), `NAME=${from}\n`)
}
