/**
 * Every route, with who may use it beside its path. Server, client, OpenAPI, CLI and tests read these rows; the schemas of
 * bodies are in schemas.ts, so that a client need not load zod. A row without `access` does not compile.
 */

import { buildRoutes } from './build-routes.ts'
import { certificateRoutes } from './certificate-routes.ts'
import { deployRoutes } from './deploy-routes.ts'
import { edgeRoutes } from './edge-routes.ts'
import { hostRoutes } from './host-routes.ts'
import { joinRoutes } from './join-routes.ts'
import { moveRoutes } from './move-routes.ts'
import { networkRoutes } from './network-routes.ts'
import { replicaRoutes } from './replica-routes.ts'
import { can, type Route } from './route.ts'
import { siteRoutes } from './site-routes.ts'
import { sizeRoutes } from './size-routes.ts'
import { storeRoutes } from './store-routes.ts'
import { templateRoutes } from './template-routes.ts'
import { volumeRoutes } from './volume-routes.ts'

export type { Access, Role, Route, Verb } from './route.ts'

export const routes = {
  getStatus: { method: 'GET', path: '/v1/status', access: can('read', 'farm'), summary: 'the farm on one screen' },
  getDoctor: {
    method: 'GET',
    path: '/v1/doctor',
    access: can('read', 'host'),
    summary: 'what is wrong with this host, and the mend',
  },
  fixDoctor: {
    method: 'POST',
    path: '/v1/doctor/fix',
    access: can('operate', 'host'),
    summary: 'mend what the doctor found and may mend by itself',
  },
  getOpenapi: { method: 'GET', path: '/v1/openapi.json', access: can('read', 'farm'), summary: 'this API described' },
  initFarm: { method: 'POST', path: '/v1/farm', access: can('operate', 'farm'), summary: 'start a farm on this host' },
  getFarm: { method: 'GET', path: '/v1/farm', access: can('read', 'farm'), summary: 'the farm, and its door' },
  changeFarm: {
    method: 'PATCH',
    path: '/v1/farm',
    access: can('operate', 'farm'),
    summary: 'open or shut the door to the outside',
  },
  ...storeRoutes,
  ...volumeRoutes,
  rotateCa: {
    method: 'POST',
    path: '/v1/farm/ca',
    access: can('operate', 'farm'),
    summary: 'bring in a new CA of the farm beside the old one, or end that',
  },

  listTokens: { method: 'GET', path: '/v1/tokens', access: can('use', 'token'), summary: 'who may come from outside' },
  addToken: {
    method: 'POST',
    path: '/v1/tokens',
    access: can('create', 'token'),
    summary: 'make a token; its secret is said once',
  },
  getToken: { method: 'GET', path: '/v1/tokens/:token', access: can('use', 'token'), summary: 'one token' },
  removeToken: {
    method: 'DELETE',
    path: '/v1/tokens/:token',
    access: can('delete', 'token'),
    summary: 'remove a token: it is refused from now on',
  },
  login: {
    method: 'POST',
    path: '/v1/login',
    access: can('use', 'login'),
    summary: 'a token to keep, for a login token that is used up by this',
  },
  ...certificateRoutes,
  ...joinRoutes,

  listGuests: { method: 'GET', path: '/v1/guests', access: can('read', 'guest'), summary: 'all guests' },
  createGuest: { method: 'POST', path: '/v1/guests', access: can('create', 'guest'), summary: 'make a guest' },
  explainGuest: {
    method: 'GET',
    path: '/v1/guests/:guest/explain',
    access: can('read', 'guest'),
    summary: 'why a guest is on its host, and where it would be put now',
  },
  getGuest: { method: 'GET', path: '/v1/guests/:guest', access: can('read', 'guest'), summary: 'one guest' },
  changeGuest: {
    method: 'PATCH',
    path: '/v1/guests/:guest',
    access: can('change', 'guest'),
    summary: 'change limits, labels, start order',
  },
  deleteGuest: {
    method: 'DELETE',
    path: '/v1/guests/:guest',
    access: can('delete', 'guest'),
    summary: 'remove a guest and its snapshots',
  },
  actGuest: {
    method: 'POST',
    path: '/v1/guests/:guest/actions',
    access: can('use', 'guest'),
    summary: 'start, stop, restart, kill, freeze, unfreeze',
  },
  renameGuest: {
    method: 'POST',
    path: '/v1/guests/:guest/rename',
    access: can('change', 'guest'),
    summary: 'give it another name',
  },
  cloneGuest: {
    method: 'POST',
    path: '/v1/guests/:guest/clone',
    access: can('create', 'guest'),
    summary: 'a new guest from its disk',
  },
  ...moveRoutes,
  ...replicaRoutes,
  attachGuest: {
    method: 'GET',
    path: '/v1/guests/:guest/attach',
    access: can('use', 'guest'),
    summary: 'the command that enters a running guest, for root on its host',
  },
  execGuest: {
    method: 'POST',
    path: '/v1/guests/:guest/exec',
    access: can('use', 'guest'),
    reply: 'session',
    summary:
      'run words inside, over this connection: it takes Upgrade: croft-exec; ?files=1 works on its files, running or stopped; ?console=1 joins its console to a terminal',
  },
  attachFiles: {
    method: 'GET',
    path: '/v1/guests/:guest/attach/files',
    access: can('use', 'guest'),
    summary: 'the command before the words of a tool that works on its files, running or stopped, for root on its host',
  },
  attachConsole: {
    method: 'GET',
    path: '/v1/guests/:guest/attach/console',
    access: can('use', 'guest'),
    summary: 'the command that joins its console to a terminal, for root on its host',
  },
  readConsole: {
    method: 'GET',
    path: '/v1/guests/:guest/console-log',
    access: can('use', 'guest'),
    summary: 'what its console printed, the last 64 KiB; ?boot=1 since its last start',
  },
  listRules: {
    method: 'GET',
    path: '/v1/guests/:guest/rules',
    access: can('read', 'guest'),
    summary: 'its firewall rules with counters',
  },
  addRule: {
    method: 'POST',
    path: '/v1/guests/:guest/rules',
    access: can('change', 'guest'),
    summary: 'allow or deny',
  },
  removeRule: {
    method: 'DELETE',
    path: '/v1/guests/:guest/rules',
    access: can('change', 'guest'),
    summary: 'take a rule away',
  },
  addPort: {
    method: 'POST',
    path: '/v1/guests/:guest/ports',
    access: can('change', 'guest'),
    summary: 'publish a port',
  },
  removePort: {
    method: 'DELETE',
    path: '/v1/guests/:guest/ports',
    access: can('change', 'guest'),
    summary: 'take a published port away',
  },
  listAllRules: {
    method: 'GET',
    path: '/v1/rules',
    access: can('read', 'guest'),
    summary: 'firewall rules of all guests with counters',
  },
  listAddresses: {
    method: 'GET',
    path: '/v1/addresses',
    access: can('read', 'guest'),
    summary: 'public addresses of all guests',
  },
  addAddress: {
    method: 'POST',
    path: '/v1/guests/:guest/addresses',
    access: can('change', 'guest'),
    summary: 'route a public address to it',
  },
  removeAddress: {
    method: 'DELETE',
    path: '/v1/addresses/:address',
    access: can('change', 'guest'),
    summary: 'take a public address away from its guest',
  },
  addMount: {
    method: 'POST',
    path: '/v1/guests/:guest/mounts',
    access: can('operate', 'mount'),
    summary: 'bind a folder of its host into it, from its next start on; for root on that host',
  },
  removeMount: {
    method: 'DELETE',
    path: '/v1/guests/:guest/mounts',
    access: can('operate', 'mount'),
    summary: 'bind that folder no more, from its next start on',
  },
  getUsage: { method: 'GET', path: '/v1/usage', access: can('read', 'guest'), summary: 'what guests use now' },

  ...templateRoutes,
  ...edgeRoutes,
  ...siteRoutes,
  ...deployRoutes,
  ...buildRoutes,

  listChecks: {
    method: 'GET',
    path: '/v1/checks',
    access: can('read', 'route'),
    summary: 'what was last seen of every route',
  },
  getCheck: {
    method: 'GET',
    path: '/v1/checks/:route',
    access: can('read', 'route'),
    summary: 'what was last seen of a route, and what changed; ?now=1 looks now',
  },

  ...hostRoutes,
  listPools: { method: 'GET', path: '/v1/pools', access: can('read', 'pool'), summary: 'all pools' },
  ...networkRoutes,
  ...sizeRoutes,

  listHistory: {
    method: 'GET',
    path: '/v1/history',
    access: can('read', 'history'),
    summary: 'who changed what, newest first; ?kind= ?name=',
  },
  revert: {
    method: 'POST',
    path: '/v1/revert',
    access: can('operate', 'history'),
    summary: 'put back what a revision changed; refused when it was changed anew since',
  },
  listEvents: {
    method: 'GET',
    path: '/v1/events',
    access: can('read', 'event'),
    summary: 'what happened, a JSON line each; ?cursor= goes on behind it, ?follow=1 goes on for ever',
  },
  listOperations: {
    method: 'GET',
    path: '/v1/operations',
    access: can('read', 'operation'),
    summary: 'operations, newest first',
  },
  getOperation: {
    method: 'GET',
    path: '/v1/operations/:operation',
    access: can('read', 'operation'),
    summary: 'one operation; ?wait=MS answers when it ended or changed',
  },
  cancelOperation: {
    method: 'POST',
    path: '/v1/operations/:operation/cancel',
    access: can('change', 'operation'),
    summary: 'stop what can be stopped',
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    access: can('read', 'farm'),
    reply: 'metrics',
    summary: 'figures of farm, host and guests, as Prometheus reads them',
  },
  listData: { method: 'GET', path: '/v1/data', access: can('operate', 'data'), summary: 'raw records; ?prefix=' },
  setData: { method: 'PUT', path: '/v1/data', access: can('operate', 'data'), summary: 'write a raw record; ?key=' },
} as const satisfies Record<string, Route>

export type RouteName = keyof typeof routes
