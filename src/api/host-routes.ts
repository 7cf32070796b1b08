/** Rows of the route table for hosts. */
import { can, type Route } from './route.ts'

export const hostRoutes = {
  listHosts: { method: 'GET', path: '/v1/hosts', access: can('read', 'host'), summary: 'all hosts' },
  getHost: { method: 'GET', path: '/v1/hosts/:host', access: can('read', 'host'), summary: 'one host' },
  changeHost: {
    method: 'PATCH',
    path: '/v1/hosts/:host',
    access: can('operate', 'host'),
    summary: 'tags of a host, and how much it may promise to its guests',
  },
  drainHost: {
    method: 'POST',
    path: '/v1/hosts/:host/drain',
    access: can('operate', 'host'),
    summary: 'whether a host takes new guests',
  },
  planHost: {
    method: 'GET',
    path: '/v1/hosts/:host/plan',
    access: can('read', 'host'),
    summary: 'what differs between wish and fact',
  },
  applyHost: {
    method: 'POST',
    path: '/v1/hosts/:host/apply',
    access: can('operate', 'host'),
    summary: 'close the difference now; ?adopt=1 takes in orphans',
  },
  checkNetwork: {
    method: 'GET',
    path: '/v1/hosts/:host/network',
    access: can('read', 'host'),
    summary: 'how this host reaches the others, with evidence and the mend',
  },
  rotateMeshKey: {
    method: 'POST',
    path: '/v1/hosts/:host/network/key',
    access: can('operate', 'host'),
    summary: 'a new key for what this host sends to the others',
  },
  giveCas: {
    method: 'GET',
    path: '/v1/peers/cas',
    access: can('use', 'peer'),
    summary: 'the CAs of the farm and of its store, while they are exchanged; asked by hosts alone',
  },
  balanceFarm: {
    method: 'GET',
    path: '/v1/balance',
    access: can('read', 'host'),
    summary: 'which guests would be better off on another host',
  },
  readSiteFile: {
    method: 'GET',
    path: '/v1/peers/sites/:app',
    access: can('read', 'peer'),
    summary: 'what this host says of an application; asked by hosts alone',
  },
  runForPeer: {
    method: 'POST',
    path: '/v1/peers/inside/:inside',
    access: can('use', 'peer'),
    summary: 'words of the loops of the farm in a guest of this host; asked by hosts alone',
  },
} as const satisfies Record<string, Route>
