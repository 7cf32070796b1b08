/** Which guests of this host are instances of sites, for who looks after their ends: loaded with the first one. */
import type { ExitWatch, Instance } from '../farm/exits.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, read } from '../records/records.ts'
import type { HostParts } from './parts.ts'

export interface InstanceWatch {
  /** All guests of this host. */
  seeAll(guests: readonly GuestRecord[]): void
  /** One has come, changed or gone. */
  see(number: number): void
  close(): Promise<void>
}

export function createInstanceWatch(parts: HostParts): InstanceWatch {
  const known = new Map<number, Instance>()
  let watching: Promise<ExitWatch> | undefined
  let closed = false

  function note(number: number, guest: GuestRecord | undefined): boolean {
    const part = guest?.spec.part
    const is = guest && part?.kind === 'instance' && !guest.deleting
    const had = known.get(number)?.id
    if (is) known.set(number, { site: part.site, name: guest.name, number, id: guest.id })
    else known.delete(number)
    return had !== known.get(number)?.id
  }

  function tell(): void {
    if (closed || (known.size === 0 && !watching)) return
    watching ??= import('../farm/exits.ts').then(({ createExitWatch }) => createExitWatch(parts))
    watching.then((watch) => watch.watch([...known.values()])).catch(() => undefined)
  }

  return {
    seeAll(guests) {
      const numbers = new Set(guests.map(({ number }) => number))
      const gone = [...known.keys()].filter((number) => !numbers.has(number))
      const changed = [...gone.map((number) => note(number, undefined)), ...guests.map((one) => note(one.number, one))]
      if (changed.includes(true)) tell()
    },
    see(number) {
      read<GuestRecord>(parts.store, keys.guest(parts.host.name, number)).then(
        (guest) => note(number, guest?.value) && tell(),
        // What the store does not tell now is seen at the next look around.
        () => undefined,
      )
    },
    async close() {
      closed = true
      await (await watching)?.close()
    },
  }
}
