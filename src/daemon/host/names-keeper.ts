/**
 * Keeps the names of this host's guests answered. Many changes may ask at once: while one publishing is under way the next
 * ones gather and go together.
 */
import { toCroftError } from '../../api/errors.ts'
import type { Named } from '../../drivers/names/driver.ts'
import { gateway4 } from '../../plan/addresses.ts'
import { zoneOf } from '../../plan/names.ts'
import type { MembersRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type Held, type HostRecord, readAll } from '../records/records.ts'
import type { HostParts } from './parts.ts'

export interface NamesKeeper {
  /** Returns when what the records say is answered. A name server in trouble is told of, and fails nothing else. */
  refresh(): Promise<void>
  /** A little later: while a guest starts, its disk and its firewall go first. */
  refreshSoon(): void
}

const soonMs = 60

export function createNamesKeeper(parts: HostParts): NamesKeeper {
  let next: Promise<void> | undefined
  let running: Promise<void> = Promise.resolve()

  async function publish(): Promise<void> {
    try {
      const guests = await readAll<GuestRecord>(parts.store, keys.guests(parts.host.name))
      const members = await readAll<MembersRecord>(parts.store, keys.members)
      const { addresses } = await parts.network.uplink()
      const host = { name: parts.host.name, addresses: addresses.length > 0 ? addresses : [gateway4] }
      const all = [...guests.map(({ value }) => value), ...parts.elsewhere.guests()]
      const others = parts.elsewhere.hosts().filter(({ name }) => name !== host.name)
      await parts.names.publish(
        zoneOf({ farm: parts.farm, guests: all, sites: members.map(siteOf), host, hosts: others.flatMap(namedHost) }),
      )
    } catch (thrown) {
      const { code, message } = toCroftError(thrown)
      parts.log.warn({ code }, `names are not answered as they should be: ${message}`)
    }
  }

  let willRefresh = false
  return {
    refreshSoon() {
      if (willRefresh) return
      willRefresh = true
      parts.env.later(soonMs, () => {
        willRefresh = false
        this.refresh()
      })
    },
    refresh() {
      next ??= running.then(() => {
        next = undefined
        running = publish()
        return running
      })
      return next
    },
  }
}

/** Where its published ports are; one that has not told has no name yet. */
function namedHost({ name, address, mesh, dead }: HostRecord): Named[] {
  const at = (address ?? mesh?.endpoint)?.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return at === undefined || dead !== undefined ? [] : [{ name, addresses: [at] }]
}

const siteOf = ({ key, value }: Held<MembersRecord>) => ({
  name: key.slice(keys.members.length),
  ready: value.members.filter(({ state }) => state === 'ready').map(({ number }) => number),
})
