/** Rows of the route table for certificates. */
import { can, type Route } from './route.ts'

export const certificateRoutes = {
  listCertificates: {
    method: 'GET',
    path: '/v1/certificates',
    access: can('read', 'certificate'),
    summary: 'certificates of the farm, when they end, and what went wrong',
  },
  importCertificate: {
    method: 'POST',
    path: '/v1/certificates',
    access: can('create', 'certificate'),
    summary: 'serve the names of a certificate that somebody else signed by it',
  },
  getCertificate: {
    method: 'GET',
    path: '/v1/certificates/:certificate',
    access: can('read', 'certificate'),
    summary: 'one certificate, by its name or a domain that it bears',
  },
  issueCertificate: {
    method: 'POST',
    path: '/v1/certificates/:certificate/issue',
    access: can('operate', 'certificate'),
    summary: 'ask the ACME server now, whatever failed before',
  },
  removeCertificate: {
    method: 'DELETE',
    path: '/v1/certificates/:certificate',
    access: can('delete', 'certificate'),
    summary: 'remove an imported certificate',
  },
} as const satisfies Record<string, Route>
