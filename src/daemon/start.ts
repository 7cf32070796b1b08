/** The only place where parts are built and joined. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { CroftError } from '../api/errors.ts'
import type { NewFarm } from '../api/resources.ts'
import { acmeDrivers } from '../drivers/acme/table.ts'
import type { Runner } from '../drivers/exec/command.ts'
import { createRunner } from '../drivers/exec/runner.ts'
import { createNftables } from '../drivers/firewall/nftables/index.ts'
import { imageDrivers } from '../drivers/image/table.ts'
import { createDnsmasq } from '../drivers/names/dnsmasq/index.ts'
import { createRouted } from '../drivers/network/routed/index.ts'
import { confinementIn } from '../drivers/runtime/lxc/confine.ts'
import { createLxc } from '../drivers/runtime/lxc/index.ts'
import type { Storage } from '../drivers/storage/driver.ts'
import { storageDrivers } from '../drivers/storage/table.ts'
import { templateBuilders } from '../drivers/template/table.ts'
import type { Release } from '../plan/versions.ts'
import type { Store } from '../store/store.ts'
import { holdAlone } from './alone.ts'
import { createCertificates } from './certificates/certificates.ts'
import type { FarmCa } from './certificates/farm-leaves.ts'
import { checkEveryMs, createRouteChecks } from './checks/routes.ts'
import type { Daemon, OpenFarm, WholeDaemon } from './daemon.ts'
import { adviseInit, readInitFacts } from './doctor/advice.ts'
import { diagnose } from './doctor/doctor.ts'
import { createLook } from './doctor/look.ts'
import { mends } from './doctor/mend.ts'
import { createKnock } from './edge/knock.ts'
import { lazyEdge } from './edge/lazy.ts'
import { type Env, systemEnv } from './env.ts'
import type { AskHealth } from './farm/health.ts'
import { onlyLeader } from './farm/leader.ts'
import { createFarmLoops, openedFarm } from './farm/loops.ts'
import { findHooks } from './hooks/folder.ts'
import { startHooks } from './hooks/hooks.ts'
import { createFailpoint } from './host/failpoint.ts'
import { createInside, type Inside } from './host/inside.ts'
import { keepsQuiet, readOnlyDisks } from './host/kept.ts'
import { createHostLoop } from './host/loop.ts'
import { readMachine } from './host/machine.ts'
import type { HostParts, Log } from './host/parts.ts'
import { createPools } from './host/pools.ts'
import { createTurns } from './host/turns.ts'
import { readUpstream } from './hostprep/resolver.ts'
import { createOutside, type Outside, ownAddresses } from './http/outside.ts'
import { startServer } from './http/server.ts'
import { planPool, writeFarm } from './init.ts'
import { lazyJoining } from './join/lazy.ts'
import { keepMembers, lazyStoreCare } from './members/lazy.ts'
import { hostsParts } from './mesh/place.ts'
import { openStore } from './open-store.ts'
import { farInside } from './peers/far-inside.ts'
import { awayOf, createPhases, type FarmBasis, type Phase } from './phases.ts'
import { folderOf } from './pki/authority.ts'
import { passwordHasher } from './pki/passwords.ts'
import { lazySeal } from './pki/seal.ts'
import { builderName, edgePlace, hasNamesUnit, makeFolders } from './places.ts'
import { keys } from './records/keys.ts'
import { getOwnHost } from './records/own-host.ts'
import { type FarmRecord, type PoolRecord, read, readAll } from './records/records.ts'
import { enterVersions } from './records/versions.ts'
import { createSessions } from './sessions/sessions.ts'
import { keptFileOf, namesFolderOf, type Settings } from './settings.ts'
import { named, writeMarker } from './store-move/place.ts'
import { Uploads } from './uploads/uploads.ts'
import { createUsageBoard } from './usage/board.ts'

export interface StartOptions extends Release {
  readonly settings: Settings
  readonly log: Log
  readonly environment: NodeJS.ProcessEnv
}

export interface Running {
  close(): Promise<void>
}

export async function startDaemon(options: StartOptions): Promise<Running> {
  const { log } = options
  let settings = await named(options.settings)
  const env = systemEnv
  makeFolders(settings)
  const alone = holdAlone(settings.stateDir)
  const run = createRunner()
  const base = { ...options, env, run, uploads: new Uploads(join(settings.stateDir, 'uploads'), env) }
  const folder = folderOf(settings.stateDir)
  const outside = createOutside({ ...{ env, run, log, folder }, store: () => daemon.store }, (request, response) =>
    server.answerOutside(request, response),
  )
  const ca: FarmCa = {
    fingerprint: () => outside.door().fingerprint,
    issueEdge: (names) => outside.issueEdge(names),
  }
  const phases = await createPhases({
    ...{ env, log, keptFile: keptFileOf(settings) },
    openStore: () => openStore({ ...base, settings }),
    openFarm: (on) => openFarm({ ...base, settings, ca, outside }, on),
    startHooks: ({ parts: { store, host }, leader }) =>
      startHooks({
        ...{ env, store, log, run, host: host.name, leads: leader.isHere, folder: settings.hooksDir, find: findHooks },
        cursorFile: join(settings.stateDir, 'hooks.json'),
      }),
    onStoreBack: () => openOutside(),
  })
  const patient = () => {
    const { store, farm, away } = phases.now()
    return { run, settings, env, store: away ? undefined : store, open: farm, outside, ...(away ? { away } : {}) }
  }
  /** Without the store nobody from outside can be known. Moves ask other hosts, by the certificate that there is then. */
  const openOutside = async () => {
    const { farm, away } = phases.now()
    if (!farm || away) return
    await outside.begin(farm.parts.farm, farm.parts.host, farm.others)
    farm.loop.between.begin(daemon)
  }
  const sessions = createSessions({ env, log })
  const joining = lazyJoining({
    ...{
      env,
      run,
      log,
      settings,
      version: options.version,
      abilities: options.abilities,
      failpoint: createFailpoint(options.environment),
    },
    ...{ store: () => daemon.store, open: () => daemon.open(), moveStore: (move) => phases.moveStore(move) },
    async becomeNobody() {
      await outside.close()
      await phases.forgetFarm()
      settings = await named(options.settings)
    },
    async becomeHost(marker) {
      await writeMarker(settings.stateDir, marker)
      settings = await named(settings)
      await phases.reopenStore()
    },
  })
  const daemon: WholeDaemon = {
    ...{ env, version: options.version, abilities: options.abilities, outside, sessions, joining },
    get hostName() {
      return settings.hostName
    },
    get store() {
      return there(phases.now()).store
    },
    get operations() {
      return there(phases.now()).operations
    },
    open: () => there(phases.now()).farm,
    away: () => awayOf(phases.now(), settings.stateDir),
    others: () => (phases.now().away ? undefined : phases.now().farm?.others),
    storeCare: lazyStoreCare(() => ({ ...patient(), log, reopenStore: phases.reopenStore })),
    diagnose: () => diagnose(patient()),
    async mend(what) {
      there(phases.now())
      return mends[what](patient())
    },
    async init(asked, by) {
      const lines = await initFarm({ ...base, store: there(phases.now()).store }, asked, by)
      await phases.reopenFarm()
      await openOutside()
      const { reason } = outside.door()
      return { lines: reason === undefined ? lines : [...lines, `no door to the outside: ${reason}`] }
    },
  }
  const server = await startServer(daemon, { socket: settings.socket, log, identify: outside.identify })
  await openOutside()
  const farm = phases.now().farm?.parts.farm.name ?? null
  log.info({ socket: settings.socket, farm, version: options.version }, 'ready')
  return {
    async close() {
      await sessions.close()
      await outside.close()
      await server.close()
      await phases.close()
      rmSync(settings.socket, { force: true })
      alone.close()
    },
  }
}

/** Requests need the store: without it all that asks for it, or for the farm, ends here. */
function there(phase: Phase): Phase {
  if (!phase.away) return phase
  throw new CroftError('STORE_CLOSED', `the store is away, guests run on: ${phase.away.message}`, {
    hint: 'croft doctor',
  })
}

interface Base extends StartOptions {
  readonly uploads: Uploads
  readonly env: Env
  readonly run: Runner
}

interface Joined extends Base {
  readonly ca: FarmCa
  readonly outside: Outside
}

async function initFarm(
  { env, run, store, settings }: Base & { readonly store: Store },
  asked: NewFarm,
  by: string,
): Promise<string[]> {
  const { prefix4, lines } = adviseInit(await readInitFacts(createLook(run)), asked.prefix4)
  const pool = planPool(settings, asked.pool as Parameters<typeof planPool>[1])
  const storage = storageDrivers.btrfs({ run, pool })
  await storage.open()
  await writeFarm(env, store, { settings, asked: { ...asked, prefix4 }, pool, by })
  const state = await storage.state()
  return [
    ...lines,
    `pool ${pool.kind} ${pool.source} ${Math.round((state.totalBytes ?? 0) / 1024 ** 3)} GiB`,
    ...(state.warning === undefined ? [] : [state.warning]),
  ]
}

async function openFarm(base: Joined, on: FarmBasis): Promise<OpenFarm | undefined> {
  const { settings, run, env, log } = base
  const { store, operations } = on
  const { material, shutOut } = base.outside
  const farm = await read<FarmRecord>(store, keys.farm)
  if (!farm) return undefined
  const host = await getOwnHost(store, settings.hostName)
  if (on.disks === 'change') await enterVersions(store, host.name, base)
  const hasOthers = store.kind !== 'sqlite' && on.disks === 'change'
  if (on.disks === 'change') await operations.recover(host.name, hasOthers)
  const disksOf = on.disks === 'change' ? (storage: Storage) => storage : readOnlyDisks
  const poolRecords = (await readAll<PoolRecord>(store, keys.pools(host.name))).map(({ value }) => value)
  const pools = createPools(poolsFrom(run, poolRecords, disksOf), log)
  const network = createRouted({ run })
  const failpoint = createFailpoint(base.environment)
  const seal = lazySeal(folderOf(settings.stateDir))
  const edge = lazyEdge({ run, ...edgePlace(settings) })
  const others = hasOthers
    ? await (await import('./peers/others.ts')).openOthers({
        ...{ ...base, ...on, material, shutOut, own: host.name, nudge: (number) => open.loop.nudge(number) },
      })
    : undefined
  const leader = others?.leader ?? onlyLeader(store, host.name)
  const certificates = createCertificates({
    ...{ env, store, log, run, failpoint, seal, ca: base.ca, folder: folderOf(settings.stateDir) },
    acme: acmeDrivers.client({ environment: base.environment }),
    ...{ addresses: ownAddresses, dnsHook: settings.dnsHook },
    ...{ assertTakes: edge.assertTakes, leads: leader.isHere },
  })
  const runtime = createLxc(run, {
    lxcPath: settings.lxcPath,
    cgroup: `${settings.cgroup}.${host.number}`,
    ...(settings.lxcfs === undefined ? {} : { lxcfs: settings.lxcfs }),
    own: [settings.stateDir, ...poolRecords.flatMap(({ source, mountPoint }) => [source, mountPoint])],
  })
  const inside = farInside(createInside(runtime), { store, others: () => open.others })
  const parts: HostParts = {
    ...{ env, store, log, network, operations, seal, machine: readMachine },
    ...{ farm: farm.value, sitesDir: settings.sitesDir, host, runtime },
    ...hostsParts({ env, store, log, network, host, farm: farm.value }, { run, settings }),
    ...{ inside, askHealth: lazyAsk(inside) },
    ...{ pools, storage: pools.storage },
    firewall: createNftables({ run }),
    names: createDnsmasq({ run, folder: namesFolderOf(settings), unit: hasNamesUnit(), upstream: upstreamFile }),
    ...(on.disks === 'change' ? { edge } : { keptEdge: edge }),
    ...{ certificates, hashPassword: passwordHasher(run), knock: createKnock(base.env) },
    builder: templateBuilders[builderName(base.environment)]({ run }),
    images: imageDrivers.tools({ confinement: confinementIn(`${settings.cgroup}.${host.number}/tools`) }),
    uploads: base.uploads,
    ...{ failpoint, keptQuiet: (number) => keepsQuiet(keptFileOf(settings), number), peers: () => open.others?.peers },
  }
  const daemon: Daemon = { env, store: leader.store, operations, open: () => open }
  const checks = { farmCa: base.ca.fingerprint, everyMs: checkEveryMs(base.environment) }
  const loops = createFarmLoops(daemon, join(settings.stateDir, 'builds'), () =>
    createRouteChecks({ ...parts, store: leader.store, ...checks }),
  )
  const open = openedFarm({
    ...{ parts, loop: createHostLoop(parts), usage: createUsageBoard(parts), certificates, leader, loops },
    ...{ numbering: createTurns(1, env), ...(others ? { others } : {}) },
    ...(others
      ? { members: await keepMembers({ ...base, others, store, leader, failpoint, host: host.name, farm: farm.value }) }
      : {}),
  })
  return open
}

/** Loaded with the first site. */
const lazyAsk =
  (inside: Inside): AskHealth =>
  async (asked) =>
    (await import('./farm/ask-health.ts')).createAskHealth(inside)(asked)

const upstreamFile = async (): Promise<string> => (await readUpstream()).file

/** Not mounted yet: the loop does that behind its firewall, and a pool that cannot be had ends nothing. */
const poolsFrom = (run: Runner, pools: readonly PoolRecord[], disksOf: (storage: Storage) => Storage) =>
  new Map(pools.map((pool) => [pool.name, disksOf(storageDrivers.btrfs({ run, pool }))]))
