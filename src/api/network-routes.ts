/** Rows of the route table for networks of the site. */
import { can, type Route } from './route.ts'

export const networkRoutes = {
  listNetworks: { method: 'GET', path: '/v1/networks', access: can('read', 'network'), summary: 'all networks' },
  addNetwork: {
    method: 'POST',
    path: '/v1/networks',
    access: can('operate', 'network'),
    summary: 'make a network on a VLAN',
  },
  changeNetwork: {
    method: 'PATCH',
    path: '/v1/networks/:network',
    access: can('operate', 'network'),
    summary: 'change a network on a VLAN, on every host at once',
  },
  removeNetwork: {
    method: 'DELETE',
    path: '/v1/networks/:network',
    access: can('operate', 'network'),
    summary: 'remove a network that no guest has an address of',
  },
  joinNetwork: {
    method: 'POST',
    path: '/v1/guests/:guest/networks',
    access: can('change', 'guest'),
    summary: 'give it addresses of a network',
  },
  leaveNetwork: {
    method: 'DELETE',
    path: '/v1/guests/:guest/networks/:network',
    access: can('change', 'guest'),
    summary: 'take its addresses of a network away',
  },
} as const satisfies Record<string, Route>
