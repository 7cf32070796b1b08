/** The routes of replicas: rows of the one table in routes.ts. Those of peers are what hosts ask each other. */
import { can, type Route } from './route.ts'

export const replicaRoutes = {
  listReplicas: {
    method: 'GET',
    path: '/v1/replicas',
    access: can('read', 'guest'),
    summary: 'replicas of guests on other hosts, and how far they are behind; ?guest=',
  },
  replicateGuest: {
    method: 'POST',
    path: '/v1/guests/:guest/replicas',
    access: can('operate', 'guest'),
    summary: 'keep a replica of a guest on another host, or bring one up to date',
  },
  removeReplica: {
    method: 'DELETE',
    path: '/v1/guests/:guest/replicas/:host',
    access: can('operate', 'guest'),
    summary: 'remove the replica of a guest from that host',
  },
  receiveReplica: {
    method: 'POST',
    path: '/v1/peers/replicas/:number/disks/:disk',
    access: can('create', 'peer'),
    stream: 'in',
    summary: 'take in a snapshot of a guest that has a replica here',
  },
  pruneReplica: {
    method: 'POST',
    path: '/v1/peers/replicas/:number/prune',
    access: can('create', 'peer'),
    summary: 'remove snapshots of a replica that lies here',
  },
} as const satisfies Record<string, Route>
