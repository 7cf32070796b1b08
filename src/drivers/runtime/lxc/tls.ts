/**
 * A certificate and its key in the folder that a guest sees as /dev/.croft. Folder and files are the host's root's, with the
 * guest's root as their group: inside, root reads them, and nobody can write or exchange them, whatever it does to its mounts.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { KeyPair } from '../driver.ts'
import type { Layout } from './layout.ts'

/** The certificate comes last: who waits for another one finds its key there already. */
export function lend({ first }: Pick<Layout, 'first'>, gid: number, pair: KeyPair | undefined): void {
  const folder = join(first, 'tls')
  if (!pair) rmSync(folder, { recursive: true, force: true })
  if (!pair || !existsSync(first)) return
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  give(folder, gid, 0o750)
  for (const name of ['key', 'cert'] as const) put(join(folder, `${name}.pem`), gid, pair[name])
}

function put(file: string, gid: number, text: string): void {
  if (existsSync(file) && statSync(file).gid === gid && readFileSync(file, 'utf8') === text) return
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  give(`${file}.new`, gid, 0o640)
  renameSync(`${file}.new`, file)
}

function give(path: string, gid: number, mode: number): void {
  chownSync(path, 0, gid)
  chmodSync(path, mode)
}
