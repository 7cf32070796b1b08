/** Rows of the route table for builds and releases. */
import { can, type Route } from './route.ts'

export const buildRoutes = {
  addBuild: {
    method: 'POST',
    path: '/v1/apps/:app/builds',
    access: can('create', 'build'),
    summary: 'build an application from a repository or an archive; its result is a release',
  },
  listBuilds: { method: 'GET', path: '/v1/builds', access: can('read', 'build'), summary: 'builds, newest first' },
  getBuild: { method: 'GET', path: '/v1/builds/:build', access: can('read', 'build'), summary: 'one build' },
  readBuildLog: {
    method: 'GET',
    path: '/v1/builds/:build/log',
    access: can('use', 'build'),
    summary: 'what it printed',
  },
  cancelBuild: {
    method: 'POST',
    path: '/v1/builds/:build/cancel',
    access: can('change', 'build'),
    summary: 'end a build that runs or waits',
  },
  listReleases: {
    method: 'GET',
    path: '/v1/releases',
    access: can('read', 'release'),
    summary: 'releases, of one app with ?app=',
  },
  getRelease: {
    method: 'GET',
    path: '/v1/releases/:release',
    access: can('read', 'release'),
    summary: 'one release, and what its croft.toml said',
  },
  removeRelease: {
    method: 'DELETE',
    path: '/v1/releases/:release',
    access: can('delete', 'release'),
    summary: 'remove a release that nothing uses',
  },
} as const satisfies Record<string, Route>
