/** Files into a guest: one large and ten thousand small, beside tar through lxc-attach. */

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { TestFarm } from '../test/system/farm.ts'
import type { Pace } from './many.ts'
import { type Figure, measure } from './measure.ts'

type Croft = (...words: string[]) => Promise<void>

export async function files(farm: TestFarm, croft: Croft, pace: Pace): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'croft-bench-'))
  const { number } = await farm.json<{ number: number }>('show', 'g1')
  const figures: Figure[] = []
  try {
    writeLarge(join(folder, 'large'))
    writeSmall(join(folder, 'small'))
    await farm.croftOk('set', 'g1', 'disk=20G')
    for (const [what, name] of [
      ['push 1 GiB', 'large'],
      ['push 10,000 files of 1 KB', 'small'],
    ] as const) {
      pace.say(what)
      const clean = () => croft('exec', 'g1', '--', 'rm', '-rf', `/srv/${name}`)
      figures.push(
        ...(await measure(
          {
            what,
            contestants: [
              { name: 'croft', run: () => croft('push', join(folder, name), 'g1:/srv/'), after: clean },
              { name: 'raw tar | lxc-attach tar', run: () => rawTar(farm, { number, folder, name }), after: clean },
            ],
          },
          Math.min(pace.runs, 5),
          pace.idleMs,
        )),
      )
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  return figures
}

/** Not zeros: a disk that compresses would make it small. */
function writeLarge(path: string): void {
  const block = Buffer.alloc(1024 ** 2)
  for (let i = 0; i < block.length; i++) block[i] = (i * 2654435761) >>> 13
  writeFileSync(path, Buffer.concat(Array.from({ length: 1024 }, () => block)))
}

function writeSmall(folder: string): void {
  for (let i = 0; i < 10_000; i++) {
    const part = join(folder, String(i % 100))
    mkdirSync(part, { recursive: true })
    writeFileSync(join(part, String(i)), 'x'.repeat(1024))
  }
}

async function rawTar(farm: TestFarm, from: { number: number; folder: string; name: string }): Promise<void> {
  const out = spawn('tar', ['-C', from.folder, '-cf', '-', from.name], { stdio: ['ignore', 'pipe', 'inherit'] })
  const attach = ['lxc-attach', '-P', join(farm.stateDir, 'lxc'), '-n', String(from.number), '--clear-env']
  const into = spawn(
    'nsenter',
    [`--net=/run/netns/${farm.namespaces.host}`, '--', ...attach, '--', 'tar', '-C', '/srv', '-xf', '-'],
    { stdio: ['pipe', 'inherit', 'inherit'] },
  )
  const ended = new Promise<number | null>((resolve) => into.once('exit', resolve))
  await pipeline(out.stdout, into.stdin)
  const code = await ended
  if (code !== 0) throw new Error(`tar in the guest: exit ${code}`)
}
