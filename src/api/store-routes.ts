/** Rows of the route table for the store. */
import { can, type Route } from './route.ts'

export const storeRoutes = {
  getStore: {
    method: 'GET',
    path: '/v1/farm/store',
    access: can('read', 'farm'),
    summary: 'where the farm’s store is, and how its members are',
  },
  restoreStore: {
    method: 'POST',
    path: '/v1/farm/store/restore',
    access: can('operate', 'farm'),
    summary: 'make the store anew from a snapshot, on this host',
  },
} as const satisfies Record<string, Route>
