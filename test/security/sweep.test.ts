/** Work that a dead daemon left behind lies where all may write: what others put beside it stays. */
import assert from 'node:assert/strict'
import { chown, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Runner } from '../../src/drivers/exec/command.ts'
import { createImageTools } from '../../src/drivers/image/tools/index.ts'
import { createMmdebstrap } from '../../src/drivers/template/mmdebstrap/index.ts'

test('what others put where all may write is not removed: they could exchange what is in it meanwhile', async () => {
  const workDir = await mkdtemp(join(tmpdir(), 'croft-sweep-'))
  try {
    for (const kind of ['croft-build-1', 'croft-image-1']) {
      await mkdir(join(workDir, `${kind}-theirs`))
      await chown(join(workDir, `${kind}-theirs`), 65534, 65534)
      await symlink(workDir, join(workDir, `${kind}-link`))
      await mkdir(join(workDir, `${kind}-ours`))
    }
    const before = await readdir(workDir)
    const run = { outcome: () => assert.fail('nothing is run') } as unknown as Runner
    const confinement = { cgroup: 'none', seccomp: '', sweep: async () => {}, prune: async () => {} }
    await createMmdebstrap({ run, workDir }).sweep()
    await createImageTools({ confinement, workDir }).sweep()
    assert.deepEqual(
      await readdir(workDir),
      before.filter((name) => !name.endsWith('-ours')),
    )
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
})
