/** The least that must happen: the tools croft uses, called by hand with a configuration croft wrote. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from './measure.ts'

export interface RawOptions {
  readonly namespace: string
  readonly env: Readonly<Record<string, string>>
  /** Of a guest of croft's that exists: its configuration is copied. */
  readonly model: { readonly folder: string; readonly root: string; readonly number: number; readonly ipv4: string }
  readonly template: string
  /** On the pool, for the root; and one that the guest's mapped root may pass through, for its configuration. */
  readonly poolDir: string
  readonly stateDir: string
}

/** A guest named 900 under a path of its own. */
export function createRaw({ namespace, env, model, template, poolDir, stateDir }: RawOptions) {
  const lxcPath = join(stateDir, 'raw')
  const folder = join(lxcPath, '900')
  const root = join(poolDir, 'raw-root')
  const ipv4 = model.ipv4.replace(/\d+$/, '250')
  const inside = (file: string, ...args: string[]) =>
    command('nsenter', [`--net=/run/netns/${namespace}`, '--', file, ...args], env)

  function define(): void {
    mkdirSync(lxcPath, { recursive: true, mode: 0o711 })
    cpSync(model.folder, folder, { recursive: true })
    const config = readFileSync(join(folder, 'config'), 'utf8')
      .replaceAll(model.root, root)
      .replaceAll(model.folder, folder)
      .replaceAll(`croft${model.number}\n`, 'raw900\n')
      .replaceAll(`/${model.number}/`, '/900/')
      .replaceAll(`${model.ipv4}/32`, `${ipv4}/32`)
    // A fixed cgroup folder that a dead monitor leaves stops the next start: croft sweeps it, raw LXC takes another name.
    const lines = config.split('\n').filter((line) => !/^lxc\.(cgroup\.dir|net\.0\.ipv6)\./.test(line))
    writeFileSync(join(folder, 'config'), lines.join('\n'))
  }

  async function kill(): Promise<void> {
    await inside('lxc-stop', '-P', lxcPath, '-n', '900', '-k')
  }

  return {
    ipv4,
    define,
    async create(): Promise<void> {
      await command('btrfs', ['subvolume', 'snapshot', template, root], env)
      await inside('lxc-start', '-P', lxcPath, '-n', '900', '-d')
    },
    attach: (...words: string[]) => inside('lxc-attach', '-P', lxcPath, '-n', '900', '--', ...words),
    async remove(): Promise<void> {
      await kill()
      await command('btrfs', ['subvolume', 'delete', root], env)
    },
    async dispose(): Promise<void> {
      await kill().catch(() => undefined)
      await sleep(200)
      await command('btrfs', ['subvolume', 'delete', root], env).catch(() => undefined)
      rmSync(lxcPath, { recursive: true, force: true })
    },
  }
}
