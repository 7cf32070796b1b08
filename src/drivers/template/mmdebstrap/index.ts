/**
 * Debian and Ubuntu by mmdebstrap: packages are fetched, unpacked, configured and customised in namespaces whose root
 * is a nobody of the host; the result leaves as an archive, which a root without powers unpacks with unshifted ids.
 */
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CroftError } from '../../../api/errors.ts'
import type { Command, Runner } from '../../exec/command.ts'
import { endBuildsIn, foldersLeft, untilGone } from '../../exec/orphans.ts'
import { checkTemplate } from '../check.ts'
import type { BuildOptions, BuildResult, TemplateBuilder, TemplateSource } from '../driver.ts'
import { finishTree } from '../finish.ts'
import { lstatMaybe } from '../walk.ts'
import { archiveOf, type BuildPlan, buildArchive, checkSource, unpackArchive } from './commands.ts'
import { type Distribution, getDistribution } from './distributions.ts'
import { buildFailed } from './parse.ts'

const workPrefix = 'croft-build-'
const keptLines = 60

/** `workDir` must let anyone pass, and have room for the archive. */
export interface MmdebstrapParts {
  readonly run: Runner
  readonly workDir?: string
}

export function createMmdebstrap({ run, workDir = '/var/tmp' }: MmdebstrapParts): TemplateBuilder {
  async function build(source: TemplateSource, targetDir: string, options: BuildOptions): Promise<BuildResult> {
    const distribution = getDistribution(source.from)
    checkSource(source)
    checkUidBase(options.uidBase)
    await checkKeyring(distribution)
    const folder = await mkdtemp(join(workDir, `${workPrefix}${process.pid}-`))
    try {
      const plan = await prepare(folder, { distribution, source, uidBase: options.uidBase })
      await step(buildArchive(plan), source.from, options)
      await step(unpackArchive(archiveOf(plan.work), targetDir), source.from, options)
    } catch (thrown) {
      await untilGone(options.uidBase)
      throw thrown
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    await finishTree(targetDir)
    throwIfCancelled(options.signal)
    const { files, sizeBytes, sha256 } = await checkTemplate(targetDir)
    return { sizeBytes, sha256, facts: { distribution: distribution.name, suite: distribution.suite, files } }
  }

  async function step(command: Command, from: string, { signal, onLine }: BuildOptions): Promise<void> {
    const lines: string[] = []
    const keep = (line: string): void => {
      lines.push(line)
      if (lines.length > keptLines) lines.shift()
      onLine(line)
    }
    throwIfCancelled(signal)
    const outcome = await run.outcome(command, { signal, onLine: keep }).catch((thrown: unknown) => {
      throwIfCancelled(signal)
      throw thrown
    })
    if (outcome.timedOut) lines.push(`took longer than ${command.timeoutMs / 60_000} minutes`)
    if (outcome.code !== 0) throw buildFailed(from, lines)
  }

  return {
    name: 'mmdebstrap',
    check(source) {
      getDistribution(source.from)
      checkSource(source)
    },
    build,
    async sweep() {
      for (const folder of await foldersLeft(workDir, workPrefix)) {
        await endBuildsIn(folder)
        await rm(folder, { recursive: true, force: true, maxRetries: 10 })
      }
    },
  }
}

/** A folder that anyone may pass but only root may list, and in it one that belongs to the build. */
async function prepare(folder: string, about: Omit<BuildPlan, 'work' | 'scriptFile'>): Promise<BuildPlan> {
  const { source, uidBase } = about
  const work = join(folder, 'work')
  await chmod(folder, 0o711)
  await mkdir(work)
  await chmod(work, 0o711) // apt downloads as its own user, who must pass
  await chown(work, uidBase, uidBase)
  if (source.script === undefined) return { ...about, work }
  const scriptFile = join(folder, 'script')
  const text = source.script.startsWith('#!') ? source.script : `#!/bin/sh -e\n${source.script}\n`
  await writeFile(scriptFile, text, { mode: 0o400, flag: 'wx' })
  await chown(scriptFile, uidBase, uidBase)
  return { ...about, work, scriptFile }
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new CroftError('CANCELLED', 'the build was cancelled', { cause: signal.reason })
}

function checkUidBase(uidBase: number): void {
  if (Number.isInteger(uidBase) && uidBase >= 65536 && uidBase <= 0xffff0000) return
  throw new CroftError('BAD_VALUE', `${uidBase} cannot be the base of a uid range`)
}

async function checkKeyring({ keyring, name }: Distribution): Promise<void> {
  if (await lstatMaybe(keyring.path)) return
  throw new CroftError('BUILD_FAILED', `${keyring.path} is missing: ${name} packages could not be verified`, {
    hint: `apt-get install ${keyring.package}`,
  })
}
