/** Image archives made by hand: as small as can be, from busybox. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tarEnd, tarHeader } from '../../src/drivers/image/reader/write.ts'

export interface Given {
  readonly path: string
  readonly kind?: 'file' | 'dir' | 'symlink' | 'link' | 'device' | 'fifo'
  readonly target?: string
  readonly content?: string | Buffer
  readonly mode?: number
  readonly uid?: number
  /** Says another size than its content has. */
  readonly size?: number
}

export function tarOf(entries: readonly Given[], end = tarEnd()): Buffer {
  return Buffer.concat([
    ...entries.flatMap(({ path, kind = 'file', target = '', content = '', mode, uid = 0, size }) => {
      const body = Buffer.from(content)
      const entry = { path, kind, target, mode: mode ?? (kind === 'dir' ? 0o755 : 0o644), uid, gid: uid, mtime: 1 }
      const head = tarHeader({ ...entry, size: size ?? body.length, capability: undefined })
      return [head, body, Buffer.alloc((512 - (body.length % 512)) % 512)]
    }),
    end,
  ])
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A tar of an OCI layout; layers lowest first. */
export function ociOf(
  config: object,
  layers: readonly Buffer[],
  spoil: (files: Map<string, Buffer>) => void = () => {},
) {
  const files = new Map<string, Buffer>()
  const blob = (bytes: Buffer, mediaType: string) => {
    files.set(`blobs/sha256/${sha256(bytes)}`, bytes)
    return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length }
  }
  const json = (value: object) => Buffer.from(JSON.stringify(value))
  const type = 'application/vnd.oci.image'
  const manifest = json({
    schemaVersion: 2,
    config: blob(json({ architecture: 'amd64', os: 'linux', config }), `${type}.config.v1+json`),
    layers: layers.map((layer) => blob(layer, `${type}.layer.v1.tar`)),
  })
  files.set('index.json', json({ schemaVersion: 2, manifests: [blob(manifest, `${type}.manifest.v1+json`)] }))
  files.set('oci-layout', json({ imageLayoutVersion: '1.0.0' }))
  spoil(files)
  return tarOf([...files].map(([path, content]) => ({ path, content })))
}

/** What Debian's tar2sqfs makes of a tar. */
export function squashfsOf(tar: Buffer): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'croft-squashfs-'))
  try {
    const file = join(folder, 'image')
    execFileSync('tar2sqfs', ['--quiet', '--no-skip', '--compressor=gzip', file], { input: tar })
    return readFileSync(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** busybox, users, and nothing else: not even a shell by its usual name. */
export const bareRoot: readonly Given[] = [
  { path: 'app', kind: 'dir' },
  { path: 'app/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 },
  { path: 'etc', kind: 'dir' },
  { path: 'etc/passwd', content: 'root:x:0:0::/:\nlark:x:1234:1235::/:\n' },
  { path: 'etc/group', content: 'root:x:0:\nbirds:x:77:\n' },
]

const programs = ['sh', 'cat', 'ls', 'mkdir', 'mv', 'rm', 'sed', 'sleep', 'sync']
/** A system of one program, that boots and halts. */
export const tinySystem: readonly Given[] = [
  ...['bin', 'sbin', 'etc', 'dev', 'proc', 'sys', 'run', 'tmp', 'srv', 'root', 'var'].map((path) => ({
    path,
    kind: 'dir' as const,
  })),
  { path: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 },
  ...programs.map((name) => ({ path: `bin/${name}`, kind: 'symlink' as const, target: 'busybox' })),
  { path: 'sbin/init', mode: 0o755, content: "#!/bin/sh\ntrap 'exit 0' PWR\nwhile :; do sleep 1000 & wait $!; done\n" },
]
