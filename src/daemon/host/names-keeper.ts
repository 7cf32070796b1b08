/**
 * Keeps the names of this host's guests answered. Many changes may ask at once: while one publishing is under way the next
 * ones gather and go together.
 */
import { toCroftError } from '../../api/errors.ts'
import { gateway4 } from '../../plan/addresses.ts'
import { zoneOf } from '../../plan/names.ts'
import type { MembersRecord } from '../records/app-records.ts'
import { keys } from '../records/keys.ts'
import { type GuestRecord, type Held, readAll } from '../records/records.ts'
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
      await parts.names.publish(
        zoneOf({ farm: parts.farm, guests: guests.map(({ value }) => value), sites: members.map(siteOf), host }),
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

const siteOf = ({ key, value }: Held<MembersRecord>) => ({
  name: key.slice(keys.members.length),
  ready: value.members.filter(({ state }) => state === 'ready').map(({ number }) => number),
})
