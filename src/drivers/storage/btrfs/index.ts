/** btrfs: a ref is a subvolume, a clone one snapshot, a limit one qgroup. */
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { CroftError } from '../../../api/errors.ts'
import type { Runner } from '../../exec/command.ts'
import type { PoolSpec, Ref, Storage } from '../driver.ts'
import { checkSpec, guestPath, manifestPath, refPath } from '../layout.ts'
import { createSerial } from '../serial.ts'
import * as commands from './commands.ts'
import { blockDeviceOf } from './device.ts'
import { giveTo, writeJson, writeJsonSoon } from './files.ts'
import { deviceOf, readHoldings, readInventory, removeEmptyGuest } from './inventory.ts'
import { createPoolLife, isMounted, type OpenPool } from './pool.ts'
import { createQgroups } from './qgroups.ts'
import { assertRoom, createSpare, tellingFull, whileRoom } from './room.ts'
import { runOrThrow } from './run.ts'
import { createSends } from './sends.ts'
import { isSubvolume, removeSubvolume } from './subvolumes.ts'
import { assertNobodyPoses, receiveSubvolume, removeReceived } from './transfer.ts'

/**
 * Left-over qgroups are looked for so long after a removal: the kernel frees a deleted subvolume in its own time, and with
 * simple quotas its qgroup stays while a clone still holds what it wrote.
 */
const tidyAfterMs: readonly number[] = [5_000, 20_000, 60_000]

export function createBtrfs({ run, pool }: { readonly run: Runner; readonly pool: PoolSpec }): Storage {
  checkSpec(pool)
  const life = createPoolLife(run, pool)
  const qgroups = createQgroups(run, pool.mountPoint)
  const inTurn = createSerial()
  const sends = createSends()
  let opened: OpenPool | undefined
  const tidying = new Map<number, NodeJS.Timeout>()
  const tidyAgain = new Set<number>()

  const path = (ref: Ref): string => join(pool.mountPoint, refPath(ref))
  const turnOf = (ref: Ref): string => ('number' in ref ? guestPath(ref.number) : refPath(ref))

  /** One stat: after an unmount the mount point belongs to another device. */
  async function mounted(): Promise<OpenPool> {
    if (opened && (await deviceOf(pool.mountPoint)) === opened.device) return opened
    throw new CroftError('POOL_MISSING', `the pool "${pool.name}" is not mounted on ${pool.mountPoint}`, {
      hint: 'croft pool ls',
    })
  }

  async function assertThere(ref: Ref): Promise<void> {
    if (!(await isSubvolume(path(ref)))) throw new CroftError('NOT_FOUND', `no ${ref.kind} ${ref.id} on the pool`)
  }

  async function makeIn(ref: Ref, command: () => Promise<unknown>): Promise<void> {
    if (await isSubvolume(path(ref))) return
    await mkdir(dirname(path(ref)), { recursive: true, mode: 0o700 })
    await command()
    qgroups.forget(refPath(ref))
  }

  async function remove(ref: Ref): Promise<void> {
    if (await isSubvolume(path(ref))) {
      if (ref.kind === 'staging') await removeReceived(run, pool.mountPoint, path(ref))
      await removeSubvolume(run, pool.mountPoint, path(ref))
      qgroups.forget(refPath(ref))
      tidyLater()
    }
    const manifest =
      ref.kind === 'template' ? { template: ref.id } : ref.kind === 'volume' ? { volume: ref.id } : undefined
    if (manifest) await rm(join(pool.mountPoint, manifestPath(manifest)), { force: true })
    if ('number' in ref) await removeEmptyGuest(join(pool.mountPoint, guestPath(ref.number)))
  }

  function tidyLater(): void {
    for (const waitMs of tidyAfterMs) {
      if (tidying.has(waitMs)) {
        tidyAgain.add(waitMs)
        continue
      }
      const timer = setTimeout(() => {
        tidying.delete(waitMs)
        if (!opened) return
        qgroups.tidy(opened.sysfs).catch(() => undefined)
        if (tidyAgain.delete(waitMs)) tidyLater()
      }, waitMs)
      tidying.set(waitMs, timer.unref())
    }
  }

  function forgetPool(): void {
    for (const timer of tidying.values()) clearTimeout(timer)
    tidying.clear()
    opened = undefined
  }

  async function removeAll(): Promise<void> {
    const found = await readInventory(pool.mountPoint)
    const refs: Ref[] = [
      ...found.guests.flatMap(({ number, roots, snapshots }) => [
        ...roots.map((id): Ref => ({ kind: 'root', number, id })),
        ...snapshots.map((id): Ref => ({ kind: 'snapshot', number, id })),
      ]),
      ...found.templates.map(({ id }): Ref => ({ kind: 'template', id })),
      ...found.volumes.map(({ id }): Ref => ({ kind: 'volume', id })),
      ...found.staging.map((id): Ref => ({ kind: 'staging', id })),
    ]
    for (const ref of refs) await inTurn(turnOf(ref), () => remove(ref))
  }

  return {
    name: 'btrfs',
    path,
    state: life.state,
    open: () =>
      inTurn('pool', async () => {
        opened = await life.open()
        await qgroups.tidy(opened.sysfs)
      }),
    close: () =>
      inTurn('pool', async () => {
        forgetPool()
        await life.close()
      }),
    destroy: () =>
      inTurn('pool', async () => {
        if (pool.kind === 'directory' && (await isMounted(pool))) await removeAll()
        forgetPool()
        await life.destroy()
      }),
    async exists(ref) {
      const target = path(ref)
      await mounted()
      return isSubvolume(target)
    },
    blockDevice: async () => blockDeviceOf((await mounted()).sysfs),
    async inventory() {
      await mounted()
      return readInventory(pool.mountPoint)
    },
    async holdings(number) {
      await mounted()
      return readHoldings(pool.mountPoint, number)
    },
    async create(ref, owner) {
      const target = path(ref)
      await mounted()
      const make = (at: string) => runOrThrow(run, commands.createSubvolume(at))
      const makeOwned = (uid: number) => async () => {
        const staging: Ref = { kind: 'staging', id: ref.id }
        await remove(staging)
        await makeIn(staging, () => make(path(staging)))
        await giveTo(path(staging), uid)
        await rename(path(staging), target)
      }
      await inTurn(turnOf(ref), () => makeIn(ref, owner === undefined ? () => make(target) : makeOwned(owner)))
    },
    async clone(from, to, { readOnly }) {
      const [source, target] = [path(from), path(to)]
      await mounted()
      await inTurn(turnOf(to), async () => {
        if (await isSubvolume(target)) return
        await assertThere(from)
        if (!readOnly) await assertRoom(run, pool, life.state)
        await makeIn(to, () => runOrThrow(run, commands.snapshot(source, target, readOnly)))
      })
    },
    async send(ref, { parent, mostBytes, signal } = {}) {
      await mounted()
      for (const one of [ref, ...(parent ? [parent] : [])]) await assertThere(one)
      return sends.start(path(ref), { parent: parent && path(parent), mostBytes }, signal)
    },
    /** A received subvolume cannot be renamed into another folder, for it is read-only: its copy appears there in one step. */
    async receive(ref, stream, options = {}) {
      const target = path(ref)
      await mounted()
      return inTurn(`receive ${target}`, async () => {
        if (await isSubvolume(target)) return void stream.destroy()
        await assertRoom(run, pool, life.state)
        await assertNobodyPoses(run, pool.mountPoint)
        const staging: Ref = { kind: 'staging', id: ref.id }
        await remove(staging)
        await makeIn(staging, () => runOrThrow(run, commands.createSubvolume(path(staging))))
        try {
          const coming = Readable.from(whileRoom(stream, createSpare(run, pool, life.state)))
          const received = await receiveSubvolume(path(staging), coming, options)
          await inTurn(turnOf(ref), () =>
            makeIn(ref, () => runOrThrow(run, commands.snapshot(received.path, target, true))),
          )
          return received.measure
        } finally {
          stream.destroy()
          await remove(staging)
        }
      })
    },
    async remove(ref) {
      refPath(ref)
      await mounted()
      await sends.stop(path(ref))
      await inTurn(turnOf(ref), () => remove(ref))
    },
    async limit(ref, bytes) {
      if (bytes !== null && !(Number.isSafeInteger(bytes) && bytes > 0)) {
        throw new CroftError('BAD_VALUE', `${bytes} is no limit in bytes`)
      }
      refPath(ref)
      const open = await mounted()
      await assertThere(ref)
      await qgroups.limit(refPath(ref), bytes, open)
    },
    async usage(ref) {
      const target = path(ref)
      const open = await mounted()
      return (await isSubvolume(target)) ? qgroups.usage(refPath(ref), open) : undefined
    },
    async writeManifest(of, manifest) {
      const target = join(pool.mountPoint, manifestPath(of))
      await mounted()
      const turn = 'guest' in of ? guestPath(of.guest) : manifestPath(of).replace(/\.json$/, '')
      await inTurn(turn, async () => {
        await mkdir(dirname(target), { recursive: true, mode: 0o700 })
        // A guest's record is in the store, durably; waiting here would cost each start a commit of the file system.
        const write = 'guest' in of ? writeJsonSoon : writeJson
        await tellingFull(pool.name, () => write(target, manifest))
      })
    },
  }
}
