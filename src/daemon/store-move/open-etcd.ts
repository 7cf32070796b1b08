/** The farm's etcd as this host reaches it: by its own certificate, and a member of its own where it has one. */
import { join } from 'node:path'
import { toCroftError } from '../../api/errors.ts'
import type { Runner } from '../../drivers/exec/command.ts'
import { openEtcdStore } from '../../store/etcd/index.ts'
import type { Store } from '../../store/store.ts'
import type { Env } from '../env.ts'
import type { Log } from '../host/parts.ts'
import { ownAddresses } from '../http/outside.ts'
import { type Member, memberDrivers, refreshStorePair, type StorePair } from '../members/index.ts'
import { folderOf } from '../pki/authority.ts'
import type { Settings } from '../settings.ts'

export interface EtcdParts {
  readonly env: Env
  readonly run: Runner
  readonly log: Log
  readonly settings: Pick<Settings, 'stateDir'>
}

export interface EtcdPlace {
  readonly host: string
  readonly endpoints: readonly string[]
}

const refreshEveryMs = 3600 * 1000

export const createOwnMember = ({ run, settings }: EtcdParts): Member =>
  memberDrivers.etcd({ run, folder: join(settings.stateDir, 'etcd') })

/** What this host shows to members; made anew when it is due. */
export const ownPair = ({ env, run, settings }: Omit<EtcdParts, 'log'>, host: string): Promise<StorePair> =>
  refreshStorePair({ env, run, folder: folderOf(settings.stateDir), host }, ownAddresses())

/** A member that this host has is brought back before it is asked. */
export async function openMovedStore(parts: EtcdParts, place: EtcdPlace): Promise<Store> {
  await ownPair(parts, place.host)
  // Others may answer without it; and when its data is gone, the store that they have says what becomes of it.
  await createOwnMember(parts)
    .resume()
    .catch((thrown) => parts.log.error({ error: toCroftError(thrown).message }, 'this host’s member of the store'))
  return openEtcdAt(parts, place)
}

/** `renew`: whom it shows and trusts is by the files now. */
export type RenewedStore = Store & { renew(): Promise<void> }

export async function openEtcdAt(parts: EtcdParts, { host, endpoints }: EtcdPlace): Promise<RenewedStore> {
  const { env } = parts
  let { tls } = await ownPair(parts, host)
  const store = await openEtcdStore({ endpoints, tls: () => tls, newId: () => env.uuid() })
  const refresh = async (): Promise<void> => {
    ;({ tls } = await ownPair(parts, host))
  }
  let timer = later()
  // One that cannot be renewed now is tried again in an hour: it has a third of its life left.
  function later(): Disposable {
    return env.later(refreshEveryMs, () => {
      void refresh().catch(() => undefined)
      timer = later()
    })
  }
  const close = store.close.bind(store)
  return Object.assign(store, {
    renew: refresh,
    async close() {
      timer[Symbol.dispose]()
      await close()
    },
  })
}
