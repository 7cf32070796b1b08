/** A root file system of one program, for pools too small for a real one. */
import { randomUUID } from 'node:crypto'
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import type { TestFarm } from './farm.ts'

export const tinyTemplate = 'tiny:1'
const folders = ['bin', 'sbin', 'etc', 'dev', 'proc', 'sys', 'run', 'tmp', 'srv', 'root', 'var']
const programs = ['sh', 'cat', 'dd', 'hostname', 'mkdir', 'mv', 'rm', 'sed', 'sleep', 'true']
const init = ['#!/bin/sh', "trap 'exit 0' PWR", 'while :; do sleep 1000 & wait $!; done', ''].join('\n')

export async function addTinyTemplate(farm: TestFarm, poolDir: string): Promise<void> {
  const run = createRunner()
  const id = randomUUID()
  const root = join(poolDir, 'templates', id)
  await mkdir(join(poolDir, 'templates'), { recursive: true, mode: 0o700 })
  await run.run({ file: 'btrfs', args: ['subvolume', 'create', root], timeoutMs: 60_000 })
  for (const folder of folders) await mkdir(join(root, folder))
  await copyFile('/bin/busybox', join(root, 'bin/busybox'))
  await chmod(join(root, 'bin/busybox'), 0o755)
  for (const program of programs) await symlink('busybox', join(root, 'bin', program))
  await writeFile(join(root, 'sbin/init'), init)
  await chmod(join(root, 'sbin/init'), 0o755)
  await run.run({ file: 'btrfs', args: ['property', 'set', '-ts', root, 'ro', 'true'], timeoutMs: 60_000 })
  const manifest = { ...farm.template.manifest, id, ref: tinyTemplate }
  await writeFile(`${root}.json`, JSON.stringify(manifest), { mode: 0o600 })
  await farm.adopt(tinyTemplate)
}
