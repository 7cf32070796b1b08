import type { CommandRow } from '../command.ts'

/** Certificates of the door and of the edge. */
export const certCommands: readonly CommandRow[] = [
  {
    noun: 'cert',
    verb: 'ls',
    args: [],
    flags: [],
    watch: true,
    summary: 'certificates, when they end, and why the last attempt at one failed',
    examples: ['croft cert ls', 'croft cert ls -o wide'],
    run: () => import('../commands/cert/ls.ts'),
  },
  {
    noun: 'cert',
    verb: 'show',
    args: ['CERT'],
    flags: [],
    watch: true,
    summary: 'one certificate, by its name or a domain that it bears; names without one, and why',
    examples: ['croft cert show shop.example.org'],
    run: () => import('../commands/cert/show.ts'),
  },
  {
    noun: 'cert',
    verb: 'issue',
    args: ['DOMAIN'],
    changes: true,
    flags: [],
    summary: 'ask the ACME server now, and say of each name why it got none',
    description:
      'Certificates are asked for by themselves, for names that point to the edge (croft farm set acme-agreed=yes). This tries at once, whatever failed before.',
    examples: ['croft cert issue shop.example.org'],
    run: () => import('../commands/cert/issue.ts'),
  },
  {
    noun: 'cert',
    verb: 'import',
    args: ['FILE'],
    changes: true,
    flags: ['key'],
    summary: 'serve names by a certificate that somebody else signed',
    description:
      'FILE, or - for stdin, holds the certificate first and behind it the chain to its root, in PEM; the private key stands in it too, or in --key. It is preferred to all others, and nobody renews it: croft status warns.',
    examples: [
      'croft cert import shop.pem',
      'croft cert import fullchain.pem --key privkey.pem',
      'croft cert import -',
    ],
    run: () => import('../commands/cert/import.ts'),
  },
  {
    noun: 'cert',
    verb: 'rotate',
    args: [],
    changes: true,
    flags: ['finish'],
    summary: 'bring in a new CA of the farm beside the old one; --finish ends that',
    description:
      'From then on the new one signs: this host’s certificate and those of the edge are made anew at once. Who logged in before goes on, for the old one vouches for the new one, until --finish: then its ' +
      'people log in anew, and client certificates (croft token add --cert) must have been made anew. With several hosts each takes it over, one after another, and the CA of the store too; --finish waits for all.',
    examples: ['croft cert rotate', 'croft cert rotate --finish'],
    run: () => import('../commands/cert/rotate.ts'),
  },
  {
    noun: 'cert',
    verb: 'rm',
    args: ['CERT...'],
    changes: true,
    bulk: true,
    flags: [],
    summary: 'remove imported certificates; their names are served by the next best',
    examples: ['croft cert rm shop.example.org'],
    run: () => import('../commands/cert/rm.ts'),
  },
]
