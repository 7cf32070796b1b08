/** Rows of the route table for how sites change. */
import { can, type Route } from './route.ts'

export const deployRoutes = {
  deploySite: {
    method: 'POST',
    path: '/v1/sites/:site/deploy',
    access: can('change', 'site'),
    summary: 'give a site a version, a size, a number of instances or domains; the site is made when it is new',
  },
  actSite: {
    method: 'POST',
    path: '/v1/sites/:site/actions',
    access: can('change', 'site'),
    summary: 'start or stop a site',
  },
} as const satisfies Record<string, Route>
