/** Where records lie in the store. A host watches `guests/HOST/`, `snapshots/HOST/` and `templates/` and nothing else. */
const padded = (number: number): string => String(number).padStart(5, '0')

export const keys = {
  farm: 'farm',
  host: (host: string) => `hosts/${host}`,
  hosts: 'hosts/',
  numbers: (host: string) => `numbers/${host}`,
  allNumbers: 'numbers/',
  /** Which host leases which block of numbers. */
  blocks: 'blocks',
  /** Under a lease: the daemon of that host speaks with the store. */
  alive: (host: string) => `alive/${host}`,
  allAlive: 'alive/',
  /** What a host can take, as it says itself. */
  facts: (host: string) => `facts/${host}`,
  allFacts: 'facts/',
  /** Under a lease: who walks the loops of the farm. */
  leader: 'leader',
  /** The farm goes over to another CA. */
  exchange: 'exchange',
  /** Which croft each host has, and what the store needs of all. */
  versions: 'versions',
  /** In the store that is moved to: how far it came. In the one that was left: where to. */
  moved: 'moved',
  /** What a host is told of its member of the store. */
  storeMember: (host: string) => `store-members/${host}`,
  storeMembers: 'store-members/',
  invite: (id: string) => `invites/${id}`,
  invites: 'invites/',
  /** A guest on its way to another host. */
  move: (number: number) => `moves/${padded(number)}`,
  moves: 'moves/',
  /** A host that is being emptied. */
  drain: (host: string) => `drains/${host}`,
  drains: 'drains/',
  /** Of a guest, on another host: the wish, and what its own host says of it. */
  replica: (number: number, host: string) => `replicas/${padded(number)}/${host}`,
  replicasOf: (number: number) => `replicas/${padded(number)}/`,
  replicas: 'replicas/',
  replicaStatus: (number: number, host: string) => `replicated/${padded(number)}/${host}`,
  replicaStatuses: 'replicated/',
  /** One table reserves every name, whatever bears it. */
  name: (name: string) => `names/${name}`,
  ports: (host: string) => `ports/${host}/`,
  port: (host: string, protocol: string, hostPort: number) => `ports/${host}/${protocol}/${hostPort}`,
  address: (address: string) => `addresses/${address}`,
  allGuests: 'guests/',
  guests: (host: string) => `guests/${host}/`,
  guest: (host: string, number: number) => `guests/${host}/${padded(number)}`,
  /** What hosts tell of their guests, snapshots, templates and volumes. */
  statuses: 'status/',
  guestStatuses: (host: string) => `status/${host}/guest/`,
  guestStatus: (host: string, number: number) => `status/${host}/guest/${padded(number)}`,
  allSnapshots: 'snapshots/',
  snapshots: (host: string) => `snapshots/${host}/`,
  snapshotsOf: (host: string, number: number) => `snapshots/${host}/${padded(number)}/`,
  snapshot: (host: string, number: number, name: string) => `snapshots/${host}/${padded(number)}/${name}`,
  snapshotStatuses: (host: string) => `status/${host}/snapshot/`,
  snapshotStatus: (host: string, id: string) => `status/${host}/snapshot/${id}`,
  templates: 'templates/',
  template: (ref: string) => `templates/${ref}`,
  templateStatuses: (host: string) => `status/${host}/template/`,
  templateStatus: (host: string, id: string) => `status/${host}/template/${id}`,
  pools: (host: string) => `pools/${host}/`,
  pool: (host: string, name: string) => `pools/${host}/${name}`,
  networks: 'networks/',
  network: (name: string) => `networks/${name}`,
  sizes: 'sizes/',
  size: (name: string) => `sizes/${name}`,
  /** When a host last took records away: a deletion itself tells no time. */
  removal: (host: string) => `removals/${host}`,
  hooks: (host: string) => `hooks/${host}/`,
  hook: (host: string, name: string) => `hooks/${host}/${name}`,
  routes: 'routes/',
  route: (name: string) => `routes/${name}`,
  /** What proves a route's users. */
  routeUsers: (id: string) => `secrets/routes/${id}`,
  routesUsers: 'secrets/routes/',
  /** Which routes a domain belongs to: one record for all its paths, so that nothing is decided beside it. */
  domains: 'domains/',
  domain: (host: string) => `domains/${host}`,
  /** Written by each rollout that asks for new ones. */
  domainTurn: 'domain-turn',
  /** What is believed of a route, by its id: one that was made anew begins anew. */
  allChecks: 'checks/',
  checks: (host: string) => `checks/${host}/`,
  check: (host: string, id: string) => `checks/${host}/${id}`,
  edgeCertificates: 'certificates/',
  edgeCertificate: (name: string) => `certificates/${name}`,
  /** Of certificates that nobody renews: that it was told. */
  endings: 'endings/',
  ending: (name: string) => `endings/${name}`,
  edgeStatus: (host: string) => `edges/${host}`,
  acmeTokens: 'acme/tokens/',
  acmeToken: (token: string) => `acme/tokens/${token}`,
  /** What is known of each set of names that an ACME server is asked about. */
  acmeSets: 'acme/sets/',
  acmeSet: (name: string) => `acme/sets/${name}`,
  acmeAccount: (id: string) => `acme/accounts/${id}`,
  apps: 'apps/',
  app: (name: string) => `apps/${name}`,
  sites: 'sites/',
  site: (name: string) => `sites/${name}`,
  /** The layer of a site's stage. */
  allExits: 'exits/',
  exits: (site: string) => `exits/${site}`,
  siteConfig: (name: string) => `configs/${name}`,
  /** What was set of it when a release came to serve. */
  ranOf: (site: string) => `ran/${site}/`,
  ran: (site: string, ref: string) => `ran/${site}/${ref}`,
  siteSecrets: (site: string) => `secrets/sites/${site}/`,
  siteSecret: (site: string, name: string) => `secrets/sites/${site}/${name}`,
  /** Who answers for a site now. */
  members: 'members/',
  membersOf: (site: string) => `members/${site}`,
  rollouts: 'rollouts/',
  /** The running or the last one of a site. */
  rollout: (site: string) => `rollouts/${site}`,
  builds: 'builds/',
  build: (id: string) => `builds/${id}`,
  /** Of one host: what is put on a guest's disk before its first start. */
  seed: (host: string, number: number) => `seeds/${host}/${padded(number)}`,
  allVolumes: 'volumes/',
  volumes: (host: string) => `volumes/${host}/`,
  volume: (host: string, id: string) => `volumes/${host}/${id}`,
  volumeStatus: (host: string, id: string) => `status/${host}/volume/${id}`,
  tokens: 'tokens/',
  token: (name: string) => `tokens/${name}`,
  /** All whose form may change with a version; history and operations are told as they were written. */
  readFirst: [
    ...[
      'farm',
      'hosts/',
      'numbers/',
      'guests/',
      'snapshots/',
      'templates/',
      'pools/',
      'networks/',
      'sizes/',
      'tokens/',
      'routes/',
    ],
    ...[
      'certificates/',
      'status/',
      'apps/',
      'sites/',
      'configs/',
      'ran/',
      'members/',
      'rollouts/',
      'exits/',
      'builds/',
      'volumes/',
      'replicas/',
    ],
  ],
  operations: 'operations/',
  operation: (id: string) => `operations/${id}`,
} as const
