/** Rows of the route table for named sizes. */
import { can, type Route } from './route.ts'

export const sizeRoutes = {
  listSizes: { method: 'GET', path: '/v1/sizes', access: can('read', 'size'), summary: 'named sizes' },
  addSize: { method: 'POST', path: '/v1/sizes', access: can('operate', 'size'), summary: 'make a size' },
  changeSize: {
    method: 'PATCH',
    path: '/v1/sizes/:size',
    access: can('operate', 'size'),
    summary: 'change a size, for what is given it from now on',
  },
  removeSize: {
    method: 'DELETE',
    path: '/v1/sizes/:size',
    access: can('operate', 'size'),
    summary: 'remove a size that nothing has',
  },
} as const satisfies Record<string, Route>
