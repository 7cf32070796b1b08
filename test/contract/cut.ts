/** What a test can take away: a wire between a client and a server, and the room on a disk. */
import { execFile } from 'node:child_process'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type WireState = 'whole' | 'refused' | 'silent' | 'deaf' | 'forgotten'

export interface Wire {
  readonly url: string
  /** `silent`: nothing passes. `deaf`: requests pass, answers do not. `forgotten`: what is open passes nothing, what is new does. */
  become(state: WireState): void
  /** Resolves when the server has answered something that did not pass. */
  swallowed(): Promise<void>
  close(): Promise<void>
}

export async function createWire(target: string): Promise<Wire> {
  const { protocol, hostname, port } = new URL(target)
  const open = new Set<Socket>()
  let state: WireState = 'whole'
  let told = Promise.withResolvers<void>()
  const passes = (isNew: boolean) => state === 'whole' || (state === 'forgotten' && isNew)
  const server = createServer((near) => {
    if (state === 'refused') return void near.destroy()
    const isNew = state === 'forgotten'
    const far = connect(Number(port), hostname)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
    }
    near.on('data', (bytes) => void (passes(isNew) || state === 'deaf' ? far.write(bytes) : undefined))
    far.on('data', (bytes) => {
      if (passes(isNew)) near.write(bytes)
      else told.resolve()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endAll = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: `${protocol}//127.0.0.1:${(server.address() as AddressInfo).port}`,
    become(next) {
      state = next
      told = Promise.withResolvers<void>()
      if (next === 'refused') endAll()
    },
    swallowed: () => told.promise,
    async close() {
      endAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const run = promisify(execFile)

export interface SmallDisk extends AsyncDisposable {
  readonly folder: string
  grow(megabytes: number): Promise<void>
}

export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'croft-small-'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'croft-small', folder])
  return {
    folder,
    grow: async (to) => void (await run('mount', ['-o', `remount,size=${to}m`, folder])),
    async [Symbol.asyncDispose]() {
      await run('umount', [folder])
      await rmdir(folder)
    },
  }
}
