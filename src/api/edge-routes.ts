/** Rows of the route table for what the edge serves. */
import { can, type Route } from './route.ts'

export const edgeRoutes = {
  listRoutes: { method: 'GET', path: '/v1/routes', access: can('read', 'route'), summary: 'what the edge serves' },
  addRoute: {
    method: 'POST',
    path: '/v1/routes',
    access: can('create', 'route'),
    summary: 'serve a domain, or a path of one, by a guest, a redirect or another server',
  },
  getRoute: { method: 'GET', path: '/v1/routes/:route', access: can('read', 'route'), summary: 'one route' },
  changeRoute: {
    method: 'PATCH',
    path: '/v1/routes/:route',
    access: can('change', 'route'),
    summary: 'change where a route leads, and how',
  },
  readRouteLog: {
    method: 'GET',
    path: '/v1/routes/:route/log',
    access: can('read', 'route'),
    summary: 'the last requests of a route; ?after= goes on behind a page',
  },
  removeRoute: {
    method: 'DELETE',
    path: '/v1/routes/:route',
    access: can('delete', 'route'),
    summary: 'serve it no longer',
  },
} as const satisfies Record<string, Route>
