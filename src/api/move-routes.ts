/** The routes of moves: rows of the one table in routes.ts. Those of peers are what hosts ask each other. */
import { can, type Route } from './route.ts'

export const moveRoutes = {
  moveGuest: {
    method: 'POST',
    path: '/v1/guests/:guest/move',
    access: can('operate', 'guest'),
    summary: 'bring a guest to another host, with its address, its snapshots and its ports',
  },
  moveSite: {
    method: 'POST',
    path: '/v1/sites/:site/move',
    access: can('change', 'site'),
    summary: 'bring the lasting data of a site to another host, with all instances that have it',
  },
  lookForPeer: {
    method: 'GET',
    path: '/v1/peers/guests/:host/:number',
    access: can('read', 'peer'),
    summary: 'what is here of a guest of that host, and what stands in its way here',
  },
  sendTemplate: {
    method: 'GET',
    path: '/v1/peers/templates/:disk',
    access: can('read', 'peer'),
    stream: 'out',
    summary: 'the disk of a template, for another host of the farm',
  },
  receiveFromPeer: {
    method: 'POST',
    path: '/v1/peers/moves/:number/disks/:disk',
    access: can('create', 'peer'),
    stream: 'in',
    summary: 'take in a snapshot of a guest that is on its way here',
  },
  landFromPeer: {
    method: 'POST',
    path: '/v1/peers/moves/:number/land',
    access: can('create', 'peer'),
    summary: 'make the disk of a guest, or a volume of a site, that is on its way here from the last snapshot',
  },
} as const satisfies Record<string, Route>
