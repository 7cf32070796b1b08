/** Rows of the route table for lasting data. */
import { can, type Route } from './route.ts'

export const volumeRoutes = {
  listVolumes: {
    method: 'GET',
    path: '/v1/volumes',
    access: can('read', 'volume'),
    summary: 'lasting data of sites, and caches of builds',
  },
  removeVolume: {
    method: 'DELETE',
    path: '/v1/hosts/:host/volumes/:volume',
    access: can('delete', 'volume'),
    summary: 'remove lasting data that nothing has any more',
  },
} as const satisfies Record<string, Route>
