/** The bodies and queries that routes take. Server, OpenAPI and the hostile corpus are made from these. */
import { z } from 'zod'
import { AppChange, AppName, NewApp, SitePlace } from './app.ts'
import { BuildId, NewBuild } from './build.ts'
import { Deploy, SiteAction } from './deploy.ts'
import { CaRotation, CertificateRef, FarmChange, NewCertificate, NewToken, TokenName } from './door.ts'
import { NewRoute, RouteChange, RouteName as RouteNameSchema } from './edge.ts'
import { eventKinds } from './events.ts'
import {
  GuestAction,
  GuestChange,
  GuestClone,
  GuestRename,
  NewAddress,
  NewGuest,
  NewPort,
  NewRule,
  OneAddress,
  PortRef,
  RuleRef,
} from './guest.ts'
import { Drain, HostChange } from './host.ts'
import { NewHost, NewInvitation, NewJoin } from './join.ts'
import { MountRef, NewMount } from './mount.ts'
import { DiskId, Landing, NewMove } from './move.ts'
import { AnyGuestName } from './part.ts'
import {
  DataKey,
  LimitBytes,
  NewData,
  NewFarm,
  NewMend,
  NewSnapshot,
  RecordKind,
  RecordName,
  Revert,
  TemplateBuild,
  TemplateImport,
  TemplatePublish,
} from './resources.ts'
import type { RouteName } from './routes.ts'
import { ConfigChange, NewSecret, NewSite, SecretName, Slot } from './site.ts'
import { NewSize, SizeChange, SizeName } from './size.ts'
import { StoreRestore } from './store.ts'
import { HostName, OneLine, SnapshotName, TemplateRef } from './values.ts'

const OnOff = z.enum(['0', '1']).transform((value) => value === '1')
/** Every write takes these: plan only; kept in history; refuse when changed since; how long to wait for the end. */
const WriteQuery = z.strictObject({
  dryRun: OnOff.optional(),
  reason: OneLine.optional(),
  ifRevision: z.coerce.number().int().nonnegative().optional(),
  wait: z.coerce.number().int().min(0).max(600_000).optional(),
})
export type WriteQuery = z.infer<typeof WriteQuery>
const Page = { limit: z.coerce.number().int().min(1).max(1000).optional(), after: z.string().max(500).optional() }

/** Query schemas, for the routes that take one. Anything not named here is refused. */
export const queries = {
  deploySite: WriteQuery,
  actSite: WriteQuery,
  initFarm: WriteQuery,
  fixDoctor: WriteQuery,
  createGuest: WriteQuery,
  changeGuest: WriteQuery,
  deleteGuest: WriteQuery,
  actGuest: WriteQuery,
  renameGuest: WriteQuery,
  cloneGuest: WriteQuery,
  moveGuest: WriteQuery,
  addRule: WriteQuery,
  removeRule: WriteQuery,
  addPort: WriteQuery,
  removePort: WriteQuery,
  addAddress: WriteQuery,
  removeAddress: WriteQuery,
  addMount: WriteQuery,
  removeMount: WriteQuery,
  takeSnapshot: WriteQuery,
  restoreSnapshot: WriteQuery,
  removeSnapshot: WriteQuery,
  buildTemplate: WriteQuery,
  createUpload: WriteQuery.extend({ limit: LimitBytes.optional() }),
  importTemplate: WriteQuery,
  publishTemplate: WriteQuery,
  removeTemplate: WriteQuery,
  addBuild: WriteQuery,
  cancelBuild: WriteQuery,
  listReleases: z.strictObject({ app: AppName.optional() }),
  removeRelease: WriteQuery,
  execGuest: z.strictObject({ files: OnOff.optional(), console: OnOff.optional() }),
  readConsole: z.strictObject({ boot: OnOff.optional() }),
  changeHost: WriteQuery,
  drainHost: WriteQuery,
  rotateMeshKey: WriteQuery,
  applyHost: WriteQuery.extend({ adopt: OnOff.optional() }),
  revert: WriteQuery,
  changeFarm: WriteQuery,
  rotateCa: WriteQuery,
  restoreStore: WriteQuery,
  addRoute: WriteQuery,
  changeRoute: WriteQuery,
  removeRoute: WriteQuery,
  addSize: WriteQuery,
  changeSize: WriteQuery,
  removeSize: WriteQuery,
  addApp: WriteQuery,
  changeApp: WriteQuery,
  removeApp: WriteQuery,
  addSite: WriteQuery,
  getConfig: z.strictObject({ instance: Slot.optional(), release: TemplateRef.optional(), all: OnOff.optional() }),
  changeConfig: WriteQuery,
  diffConfig: z.strictObject({ release: TemplateRef.optional() }),
  setSecret: WriteQuery,
  removeSecret: WriteQuery,
  removeSite: WriteQuery.extend({ discardData: OnOff.optional() }),
  readRouteLog: z.strictObject({
    tail: z.coerce.number().int().min(0).max(10_000).optional(),
    after: z.string().max(200).optional(),
  }),
  importCertificate: WriteQuery,
  issueCertificate: WriteQuery,
  removeCertificate: WriteQuery,
  addToken: WriteQuery,
  inviteHost: WriteQuery,
  admitHost: WriteQuery,
  joinFarm: WriteQuery,
  leaveFarm: WriteQuery,
  declareDead: WriteQuery,
  removeToken: WriteQuery,
  login: WriteQuery,
  getUsage: z.strictObject({ guest: AnyGuestName.optional() }),
  listSnapshots: z.strictObject({ guest: AnyGuestName.optional() }),
  listHistory: z.strictObject({ kind: RecordKind.optional(), name: RecordName.optional(), ...Page }),
  listEvents: z.strictObject({
    cursor: z.string().max(200).optional(),
    kind: z.enum(eventKinds).optional(),
    name: RecordName.optional(),
    tail: z.coerce.number().int().min(0).max(1000).optional(),
    follow: OnOff.optional(),
  }),
  listOperations: z.strictObject(Page),
  getOperation: z.strictObject({
    wait: z.coerce.number().int().min(0).max(60_000).optional(),
    seen: z.coerce.number().int().min(0).optional(),
  }),
  getCheck: z.strictObject({ now: OnOff.optional() }),
  listData: z.strictObject({ prefix: RecordName.optional(), ...Page }),
  setData: WriteQuery.extend({ key: DataKey }),
} as const satisfies Partial<Record<RouteName, z.ZodType>>

export const bodies = {
  deploySite: Deploy,
  actSite: SiteAction,
  initFarm: NewFarm,
  fixDoctor: NewMend,
  createGuest: NewGuest,
  changeGuest: GuestChange,
  actGuest: GuestAction,
  renameGuest: GuestRename,
  cloneGuest: GuestClone,
  moveGuest: NewMove,
  landFromPeer: Landing,
  addRule: NewRule,
  removeRule: RuleRef,
  addPort: NewPort,
  removePort: PortRef,
  addAddress: NewAddress,
  addMount: NewMount,
  removeMount: MountRef,
  takeSnapshot: NewSnapshot,
  buildTemplate: TemplateBuild,
  importTemplate: TemplateImport,
  publishTemplate: TemplatePublish,
  addBuild: NewBuild,
  revert: Revert,
  setData: NewData,
  changeFarm: FarmChange,
  rotateCa: CaRotation,
  restoreStore: StoreRestore,
  addRoute: NewRoute,
  changeRoute: RouteChange,
  changeHost: HostChange,
  drainHost: Drain,
  rotateMeshKey: z.strictObject({}),
  addSize: NewSize,
  changeSize: SizeChange,
  addApp: NewApp,
  changeApp: AppChange,
  addSite: NewSite,
  changeConfig: ConfigChange,
  setSecret: NewSecret,
  importCertificate: NewCertificate,
  addToken: NewToken,
  inviteHost: NewInvitation,
  joinFarm: NewJoin,
  admitHost: NewHost,
} as const satisfies Partial<Record<RouteName, z.ZodType>>

/** What stands for `:guest` and the like in paths. */
export const pathValues = {
  guest: AnyGuestName,
  snapshot: SnapshotName,
  template: TemplateRef,
  build: BuildId,
  release: TemplateRef,
  host: HostName,
  token: TokenName,
  certificate: CertificateRef,
  address: OneAddress,
  route: RouteNameSchema,
  size: SizeName,
  number: z.string().regex(/^[1-9]\d{0,4}$/),
  disk: DiskId,
  app: AppName,
  site: SitePlace,
  secret: SecretName,
  operation: z.string().regex(/^[a-z0-9]{8,40}$/, 'must be the id of an operation, as croft op ls shows it'),
} as const satisfies Record<string, z.ZodType>
