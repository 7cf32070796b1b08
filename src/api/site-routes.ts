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
    summary: 'forget an application that has no sites and no releases',
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
  getConfig: {
    method: 'GET',
    path: '/v1/sites/:site/config',
    access: can('read', 'site'),
    summary:
      'the configuration of a site, and who said what of it; ?instance=2 of that one, ?all=1 what nobody said too',
  },
  changeConfig: {
    method: 'PATCH',
    path: '/v1/sites/:site/config',
    access: can('change', 'site'),
    summary: 'set values of a site’s configuration, from the next deploy on',
  },
  diffConfig: {
    method: 'GET',
    path: '/v1/sites/:site/config/diff',
    access: can('read', 'site'),
    summary: 'what the next deploy would change in the configuration; ?release= of that one',
  },
  listSecrets: {
    method: 'GET',
    path: '/v1/sites/:site/secrets',
    access: can('read', 'secret'),
    summary: 'the names of a site’s secrets, who set them and when',
  },
  setSecret: {
    method: 'PUT',
    path: '/v1/sites/:site/secrets/:secret',
    access: can('change', 'secret'),
    summary: 'set a secret; it is never told again',
  },
  removeSecret: {
    method: 'DELETE',
    path: '/v1/sites/:site/secrets/:secret',
    access: can('delete', 'secret'),
    summary: 'remove a secret',
  },
} as const satisfies Record<string, Route>
