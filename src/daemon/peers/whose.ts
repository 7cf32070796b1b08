/** Whose a request is, by its route: one row each. What is not this host's is carried to its host, once. */
import { CroftError } from '../../api/errors.ts'
import type { RouteName } from '../../api/routes.ts'
import type { Ability } from '../../plan/versions.ts'
import type { Store } from '../../store/store.ts'
import type { Caller } from '../http/access.ts'
import type { OperationRecord } from '../operations/operations.ts'
import { type AddressRecord, publicAddress } from '../records/addresses.ts'
import { keys } from '../records/keys.ts'
import { type NameRecord, read } from '../records/records.ts'
import { dataHosts } from '../records/volume-places.ts'

/** Undefined: of nobody in particular, or of nothing that is there; then it is answered here. */
type Find = (farm: FarmSight, asked: Asked) => Promise<string | undefined>

export interface FarmSight {
  readonly store: Store
  /** Hosts of this farm, by their names. */
  readonly isHost: (name: string) => boolean
  readonly leader: () => string | undefined
}

export interface Asked {
  readonly params: Readonly<Record<string, string>>
  readonly query: object
  readonly body: unknown
}

const guestNamed = async ({ store }: FarmSight, name: unknown): Promise<string | undefined> =>
  typeof name === 'string' ? (await read<NameRecord>(store, keys.name(name)))?.value.host : undefined

const field = (of: unknown, name: string): unknown => (of as Record<string, unknown> | undefined)?.[name]
const hostNamed = ({ isHost }: FarmSight, name: unknown): string | undefined =>
  typeof name === 'string' && isHost(name) ? name : undefined

/** Loops of the farm walk what these begin. */
const leader: Find = async (farm) => {
  const host = farm.leader()
  if (host !== undefined) return host
  throw new CroftError('HOST_UNREACHABLE', 'no host leads the farm at this moment: one takes over within seconds', {
    hint: 'croft host ls',
  })
}

const finds = {
  here: async () => undefined,
  leader,
  guest: (farm: FarmSight, { params }: Asked) => guestNamed(farm, params.guest),
  /** The one guest that is asked about, if any. */
  asked: (farm: FarmSight, { query }: Asked) => guestNamed(farm, field(query, 'guest')),
  host: async (farm: FarmSight, { params }: Asked) => hostNamed(farm, params.host),
  /** Its guests are moved by itself; the word alone is anybody's. */
  emptied: async (farm: FarmSight, { params, body }: Asked) =>
    field(body, 'move') === true ? hostNamed(farm, params.host) : undefined,
  /** A new guest, where it was wished. */
  wishedHost: async (farm: FarmSight, { body }: Asked) => hostNamed(farm, field(body, 'host')),
  /** The guest that a template is made of. */
  source: (farm: FarmSight, { body }: Asked) => guestNamed(farm, field(body, 'guest')),
  reverted: (farm: FarmSight, { body }: Asked) =>
    field(body, 'kind') === 'guest' ? guestNamed(farm, field(body, 'name')) : Promise.resolve(undefined),
  /** Where lasting data of a site lies that is to go to another host. */
  data: async ({ store }: FarmSight, { params, body }: Asked) => {
    const hosts = await dataHosts(store, params.site ?? '')
    return hosts.find((host) => host !== field(body, 'to')) ?? hosts[0]
  },
  address: async ({ store }: FarmSight, { params }: Asked) =>
    (await read<AddressRecord>(store, keys.address(publicAddress(params.address ?? ''))))?.value.host,
  operation: async (farm: FarmSight, { params }: Asked) => {
    const record = (await read<OperationRecord>(farm.store, keys.operation(params.operation ?? '')))?.value
    if (record?.state !== 'running') return undefined
    return record.goal.kind === 'build' || record.goal.kind === 'rollout' ? farm.leader() : record.host
  },
} as const satisfies Record<string, Find>

interface Whose {
  readonly by: keyof typeof finds
  /** What this host answers while the other one is away: what the store says of it. */
  readonly away?: 'here'
  /** The answer is for this host alone, so it is not fetched from another. */
  readonly carried?: 'never'
  /** The host that answers must be able to do this; one that cannot has no such route. */
  readonly needs?: Ability
}

const here: Whose = { by: 'here' }
const hereMoves: Whose = { by: 'here', needs: 'moves' }
const hereReplicas: Whose = { by: 'here', needs: 'replicas' }
const hereVlans: Whose = { by: 'here', needs: 'vlans' }
const ofGuest: Whose = { by: 'guest' }
const ofGuestVlans: Whose = { by: 'guest', needs: 'vlans' }
const ofHost: Whose = { by: 'host' }
const ofLeader: Whose = { by: 'leader' }
/** How root of the guest's host enters it: on another host these words would enter somebody else. */
const wayIn: Whose = { by: 'guest', carried: 'never' }

export const whose: Readonly<Record<RouteName, Whose>> = {
  ...{ getStatus: here, getDoctor: here, fixDoctor: here, getOpenapi: here },
  ...{ initFarm: here, getFarm: here, changeFarm: here, rotateCa: here, getStore: here, restoreStore: here },
  ...{ inviteHost: here, joinFarm: here, getInvitation: here, admitHost: here },
  ...{ leaveFarm: ofHost, declareDead: here },
  ...{ listTokens: here, addToken: here, getToken: here, removeToken: here, login: here },
  ...{ listCertificates: here, importCertificate: here, getCertificate: here, removeCertificate: here },
  issueCertificate: ofLeader,

  ...{
    listGuests: here,
    getGuest: here,
    explainGuest: here,
    listAllRules: here,
    listAddresses: here,
    getUsage: { by: 'asked' },
  },
  createGuest: { by: 'wishedHost' },
  moveGuest: { by: 'guest', needs: 'moves' },
  moveSite: { by: 'data', needs: 'data-moves' },
  ...{ lookForPeer: hereMoves, sendTemplate: hereMoves, receiveFromPeer: hereMoves, landFromPeer: hereMoves },
  ...{ listReplicas: here, replicateGuest: { by: 'guest', needs: 'replicas' }, removeReplica: here },
  ...{ receiveReplica: hereReplicas, pruneReplica: hereReplicas },
  ...{ changeGuest: ofGuest, deleteGuest: ofGuest, actGuest: ofGuest, renameGuest: ofGuest, cloneGuest: ofGuest },
  ...{ attachGuest: wayIn, attachFiles: wayIn, attachConsole: wayIn },
  ...{ execGuest: ofGuest, readConsole: ofGuest },
  ...{ listRules: { by: 'guest', away: 'here' }, addRule: ofGuest, removeRule: ofGuest },
  ...{ addPort: ofGuest, removePort: ofGuest, addAddress: ofGuest, addMount: ofGuest, removeMount: ofGuest },
  removeAddress: { by: 'address' },
  ...{ joinNetwork: ofGuestVlans, leaveNetwork: ofGuestVlans },
  ...{ listSnapshots: here, takeSnapshot: ofGuest, restoreSnapshot: ofGuest, removeSnapshot: ofGuest },

  // Files that were sent lie on the host that uses them: who builds.
  ...{ createUpload: ofLeader, importTemplate: ofLeader, buildTemplate: ofLeader, addBuild: ofLeader },
  publishTemplate: { by: 'source' },
  ...{ listTemplates: here, getTemplate: here, removeTemplate: here, exportTemplate: here },
  ...{ listBuilds: here, getBuild: here, readBuildLog: ofLeader, cancelBuild: ofLeader },
  ...{ listReleases: here, getRelease: here, removeRelease: here },

  ...{ listRoutes: here, addRoute: here, getRoute: here, changeRoute: here, readRouteLog: here, removeRoute: here },
  ...{ listApps: here, addApp: here, getApp: here, changeApp: here, removeApp: here },
  ...{ listSites: here, addSite: here, getSite: here, removeSite: ofLeader, deploySite: ofLeader, actSite: ofLeader },
  ...{ getConfig: here, changeConfig: here, diffConfig: here, listSecrets: here, setSecret: here, removeSecret: here },
  ...{ listChecks: { by: 'leader', away: 'here' }, getCheck: { by: 'leader', away: 'here' } },

  ...{
    listHosts: here,
    getHost: { by: 'host', away: 'here' },
    changeHost: here,
    readSiteFile: here,
    runForPeer: here,
    balanceFarm: here,
    drainHost: { by: 'emptied' },
    planHost: ofHost,
    applyHost: ofHost,
    checkNetwork: ofHost,
    rotateMeshKey: ofHost,
    giveCas: { by: 'here', needs: 'store-ca' },
  },
  ...{ listVolumes: here, removeVolume: here },
  ...{
    listPools: here,
    listNetworks: here,
    addNetwork: hereVlans,
    changeNetwork: hereVlans,
    removeNetwork: hereVlans,
    listSizes: here,
    addSize: here,
    changeSize: here,
    removeSize: here,
  },
  ...{ listHistory: here, revert: { by: 'reverted' }, listEvents: here, listData: here, setData: here },
  ...{ listOperations: here, getOperation: { by: 'operation', away: 'here' }, cancelOperation: { by: 'operation' } },
  getMetrics: here,
}

export interface Elsewhere {
  readonly host: string
  readonly away?: 'here'
  readonly needs?: Ability
}

/** Where it is to be carried; undefined: it is this host's. Throws ELSEWHERE for what was carried once, or never is. */
export async function findElsewhere(
  farm: FarmSight & { readonly own: string },
  name: RouteName,
  asked: Asked & { readonly caller: Caller },
): Promise<Elsewhere | undefined> {
  const { by, away, carried, needs } = whose[name]
  const host = await finds[by](farm, asked)
  if (host === undefined || host === farm.own) return undefined
  if (carried === 'never')
    throw new CroftError('ELSEWHERE', `it is on host ${host}`, { hint: 'croft exec and croft shell go there' })
  const { caller } = asked
  // Both hosts have read the same store a moment apart: what they disagree on is on its way.
  if (caller.via !== undefined || caller.role === 'host')
    throw new CroftError('ELSEWHERE', `it is on host ${host} now, not on ${farm.own} any more`, {
      hint: 'say it again',
    })
  return { host, ...(away ? { away } : {}), ...(needs ? { needs } : {}) }
}
