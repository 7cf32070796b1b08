/** Rows of the route table for applications and their sites. */
import { can, type Route } from './route.ts'

export const siteRoutes = {
  listApps: { method: 'GET', path: '/v1/apps', access: can('read', 'app'), summary: 'all applications' },
  addApp: { method: 'POST', path: '/v1/apps', access: can('create', 'app'), summary: 'make an application known' },
  getApp: { method: 'GET', path: '/v1/apps/:app', access: can('read', 'app'), summary: 'one application' },
  changeApp: {
    method: 'PATCH',
    path: '/v1/apps/:app',
    access: can('change', 'app'),
    summary: 'change where its code is',
  },
  removeApp: {
    method: 'DELETE',
    path: '/v1/apps/:app',
    access: can('delete', 'app'),
    summary: 'forget an application that has no sites',
  },
  listSites: { method: 'GET', path: '/v1/sites', access: can('read', 'site'), summary: 'all sites' },
  addSite: {
    method: 'POST',
    path: '/v1/sites',
    access: can('create', 'site'),
    summary: 'make a site; its application too, when that is new',
  },
  getSite: {
    method: 'GET',
    path: '/v1/sites/:site',
    access: can('read', 'site'),
    summary: 'one site; shop/prod is written shop%2Fprod',
  },
  removeSite: {
    method: 'DELETE',
    path: '/v1/sites/:site',
    access: can('delete', 'site'),
    summary: 'remove a site and its instances; its lasting data with ?discardData=1 alone',
  },
} as const satisfies Record<string, Route>
