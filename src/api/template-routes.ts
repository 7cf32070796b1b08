/** The routes of snapshots and templates: rows of the one table in routes.ts. */
import { can, type Route } from './route.ts'

export const templateRoutes = {
  listSnapshots: {
    method: 'GET',
    path: '/v1/snapshots',
    access: can('read', 'snapshot'),
    summary: 'snapshots, of one guest with ?guest=',
  },
  takeSnapshot: {
    method: 'POST',
    path: '/v1/guests/:guest/snapshots',
    access: can('create', 'snapshot'),
    summary: 'take a snapshot',
  },
  restoreSnapshot: {
    method: 'POST',
    path: '/v1/guests/:guest/snapshots/:snapshot/restore',
    access: can('change', 'guest'),
    summary: 'put the guest back to it',
  },
  removeSnapshot: {
    method: 'DELETE',
    path: '/v1/guests/:guest/snapshots/:snapshot',
    access: can('delete', 'snapshot'),
    summary: 'remove a snapshot',
  },

  listTemplates: { method: 'GET', path: '/v1/templates', access: can('read', 'template'), summary: 'all templates' },
  buildTemplate: {
    method: 'POST',
    path: '/v1/templates',
    access: can('create', 'template'),
    summary: 'build one from a distribution',
  },
  createUpload: {
    method: 'POST',
    path: '/v1/uploads',
    access: can('create', 'upload'),
    stream: 'in',
    summary: 'send a file, application/octet-stream, to be used soon',
  },
  importTemplate: {
    method: 'POST',
    path: '/v1/templates/:template/import',
    access: can('create', 'template'),
    summary: 'make one from an archive that was uploaded or lies at an address',
  },
  publishTemplate: {
    method: 'POST',
    path: '/v1/templates/:template/publish',
    access: can('create', 'template'),
    summary: 'make one from the disk of a guest',
  },
  exportTemplate: {
    method: 'GET',
    path: '/v1/templates/:template/archive',
    access: can('use', 'template'),
    stream: 'out',
    summary: 'the template as a tar.zst',
  },
  getTemplate: {
    method: 'GET',
    path: '/v1/templates/:template',
    access: can('read', 'template'),
    summary: 'one template',
  },
  removeTemplate: {
    method: 'DELETE',
    path: '/v1/templates/:template',
    access: can('delete', 'template'),
    summary: 'remove a template that nothing uses',
  },
} as const satisfies Record<string, Route>
