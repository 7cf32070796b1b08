/** Every flag there is. A name means the same thing wherever it is taken. */
import type { CommandRow } from '../command.ts'

export interface FlagRow {
  readonly short?: string
  /** What stands for its value in help; absent when it takes none. */
  readonly value?: string
  /** The value may be left out, and then must follow `=` when given. */
  readonly optional?: true
  /** What may stand for it, when that is known. */
  readonly values?: readonly string[]
  readonly means: string
}

export const flagTable = {
  output: {
    short: 'o',
    value: 'FORMAT',
    values: ['table', 'wide', 'json', 'jsonl', 'yaml', 'csv', 'name'],
    means: 'table, wide, json, jsonl, yaml, csv or name',
  },
  json: { value: 'FIELDS', optional: true, means: 'JSON, of these fields only when named: --json=name,ipv4' },
  quiet: { short: 'q', means: 'names only' },
  verbose: { short: 'v', means: 'say the steps; twice: the requests too' },
  yes: { short: 'y', means: 'do not ask' },
  farm: { value: 'FARM', means: 'speak to this farm, as croft use lists them' },
  help: { short: 'h', means: 'what this command does' },
  columns: { short: 'c', value: 'COLUMNS', means: 'these columns, in this order: -c name,state' },
  sort: { value: 'COLUMN', means: 'by this column; -COLUMN turns it around' },
  label: { short: 'l', value: 'KEY=VALUE', means: 'those that bear this label; again for another' },
  watch: { short: 'w', means: 'show it anew when something happens; with JSON, a line for each change' },
  'dry-run': { means: 'say what would be done, and do nothing' },
  'exit-code': { means: 'exit 10 when there is something to do' },
  'if-revision': { value: 'N', means: 'only if the record is still at this revision' },
  wait: { value: 'stable', optional: true, means: 'until it is done (the default); stable: until it has run for 2 s' },
  'no-wait': { means: 'return at once and print the id of the operation' },
  timeout: { value: 'TIME', means: 'stop watching after so long (30s, 5m); the work goes on' },
  reason: { value: 'TEXT', means: 'kept in the history' },
  all: { means: 'all there are' },
  parallel: { value: 'N', means: 'so many at a time (default 8)' },
  follow: { short: 'f', means: 'go on as more comes' },
  since: {
    value: 'TIME',
    means: 'from this time on, as journalctl takes it, or so long ago, 5m; of events: behind this cursor',
  },
  kind: {
    value: 'KIND',
    values: [
      ...[
        'farm',
        'host',
        'pool',
        'size',
        'guest',
        'route',
        'app',
        'site',
        'snapshot',
        'template',
        'op',
        'hook',
        'check',
        'edge',
        'replica',
        'certificate',
      ],
    ],
    means:
      'only of this kind: site, app, guest, replica, route, check, edge, certificate, snapshot, template, op, hook, pool, size, host, farm',
  },
  tail: { short: 'n', value: 'N', means: 'the last N lines' },
  grep: { value: 'PATTERN', means: 'only lines that hold this' },
  unit: { value: 'UNIT', means: 'only of this systemd unit' },
  daemon: { value: 'NAME', means: 'only of this daemon of the application' },
  cron: { value: 'NAME', means: 'only of this cron job of the application' },
  boot: { value: 'N', optional: true, means: 'only since its last start; --boot=-1: of the start before that' },
  console: { means: 'what the console printed, not the journal' },
  announce: { means: 'the host answers for it on its uplink (proxy ARP, NDP)' },
  network: {
    value: 'NETWORK[:ADDRESS]',
    means: 'an address of this network too, the next free one; again for another',
  },
  'no-start': { means: 'make it, but leave it stopped' },
  publish: {
    short: 'p',
    value: '[ADDRESS:]HOST:GUEST[/udp]',
    means: 'open a port of the host to it; again for another',
  },
  file: { short: 'f', value: 'FILE', means: 'read it from this file, - is stdin' },
  env: { short: 'e', value: 'KEY=VALUE', means: 'set this inside; again for another' },
  chown: { value: 'USER[:GROUP]', means: 'whose it shall be, as the guest knows them: www-data, 33:33 (root)' },
  chmod: { value: 'MODE', means: 'the mode of files, like 0644; else as they are' },
  max: { value: 'SIZE', means: 'take no more than this: 512M' },
  user: { short: 'u', value: 'USER', means: 'as this user of the guest, by name or number' },
  cwd: { value: 'FOLDER', means: 'in this folder of the guest' },
  plain: { means: 'as root of the guest, without what its application knows' },
  interactive: { short: 'i', means: 'nothing changes: stdin always goes along' },
  tty: { short: 't', means: 'refuse to run without a terminal' },
  rm: { means: 'take it away instead' },
  log: { means: 'write a line to the kernel log when it matches' },
  snapshot: { value: 'NAME', means: 'from this snapshot instead of the present disk' },
  rate: { value: 'SIZE', means: 'send at most so much in a second: 100M' },
  move: { means: 'and bring its guests to other hosts' },
  some: { means: 'also when some cannot be: those stay' },
  from: { value: 'DISTRIBUTION', means: 'what to build from, like debian:12, when the name does not say' },
  packages: { value: 'NAMES', means: 'these packages too, with commas between' },
  script: { value: 'FILE', means: 'run this inside as the last step, - is stdin' },
  recipe: { value: 'NAME', means: 'as this recipe says: plain, static, php, node, java, mail, or a file' },
  sha256: { value: 'HASH', means: 'it must have this sha256' },
  'limit-size': { value: 'SIZE', means: 'refuse what unpacks to more (default 16G)' },
  'limit-files': { value: 'N', means: 'refuse more files than that (default 500000)' },
  git: { value: 'URL', means: 'from this repository, by https or ssh' },
  ref: { value: 'NAME', means: 'this branch, tag or commit of it' },
  tar: { value: 'FILE|URL', means: 'from this archive; one at an address needs its --sha256' },
  as: { value: 'VERSION', means: 'call the release so' },
  mirror: { value: 'URL', means: 'take packages from here' },
  finish: { means: 'the former one is trusted no longer' },
  adopt: { means: 'take in what is on disk but in no record' },
  history: { means: 'what changed, newest first' },
  explain: { means: 'of each value whose word it is, who said it and when' },
  instance: { value: 'N', means: 'of the instance in this place alone, from 1 on' },
  host: { value: 'HOST', means: 'the host: where a new guest is put, or whose instances are meant' },
  deploy: { means: 'and bring it to the site at once, as croft config apply does' },
  'code-only': { means: 'the release alone; what is set of the site stays' },
  'discard-data': { means: 'its lasting data too: it cannot be had again' },
  'last-copy': { means: 'also when it is the only other copy of the guest' },
  limit: { value: 'N', means: 'at most so many' },
  data: { short: 'd', value: 'JSON', means: 'the body, - is stdin' },
  pool: { value: 'KIND', values: ['file', 'directory', 'device'], means: 'file, directory or device' },
  name: { value: 'NAME', means: 'call this host so in the farm; else as it calls itself' },
  witness: { means: 'it votes in the store and runs no guests' },
  'pool-path': { value: 'PATH', means: 'where the pool is' },
  'pool-size': { value: 'SIZE', means: 'how large the pool file may grow' },
  erase: { value: 'DEVICE', means: 'the device whose content may be destroyed, named again' },
  prefix4: { value: 'PREFIX', means: 'the guests’ addresses, a /16 like 10.100.0.0/16' },
  instances: { value: 'N', means: 'so many of them, from now on' },
  size: { value: 'SIZE', means: 'each as large as this, from now on: croft size ls' },
  waves: {
    value: 'WAVES',
    means: 'so many at a time: 1,2 or 25%,50%, the rest at last; host: those of one host after another',
  },
  hold: { value: 'TIME', means: 'so long what is new must stay healthy after each wave, before the next: 30s' },
  domain: { value: 'DOMAIN', means: 'serve this name, from now on; again, or with commas, for more' },
  fix: {
    value: 'NAME',
    values: ['docker', 'sysctl', 'subuid', 'pool-mount'],
    means: 'mend this: docker, sysctl, subuid or pool-mount',
  },
  undo: { means: 'take back exactly what it changed' },
  listen: { value: '[ADDRESS]:PORT', means: 'let in who comes from outside with a token, here; without it nobody' },
  redirect: { value: 'URL', means: 'send everybody there; without a path there the path is kept' },
  upstream: { value: 'URL', means: 'a server outside of the farm answers' },
  role: { value: 'ROLE', means: 'operator or reader' },
  expires: { value: 'TIME', means: 'after this it is refused: 90d, 12h, never (default 90d; of an invitation 1h)' },
  login: { means: 'for one croft login within 15 minutes; prints all of it as one word' },
  cert: { means: 'a client certificate and its key instead, for programs that show one in TLS' },
  address: { value: 'HOST[:PORT]', means: 'how the other side reaches this host, when it is not its own address' },
  fingerprint: { value: 'SHA256', means: 'of the farm’s CA, as croft farm show says it' },
  key: { value: 'FILE', means: 'its private key, when that stands in a file of its own; - is stdin' },
  keys: { value: 'FILE', means: 'ssh public keys that enter every guest, - is stdin' },
} as const satisfies Record<string, FlagRow>

export type FlagName = keyof typeof flagTable
export const flagRow = (name: FlagName): FlagRow => flagTable[name]
export const flagNames = Object.keys(flagTable) as readonly FlagName[]

export const everywhere: readonly FlagName[] = [
  'output',
  'json',
  'columns',
  'sort',
  'quiet',
  'verbose',
  'yes',
  'farm',
  'help',
]
export const ofChanges: readonly FlagName[] = [
  'dry-run',
  'exit-code',
  'if-revision',
  'wait',
  'no-wait',
  'timeout',
  'reason',
]
export const ofSeveral: readonly FlagName[] = ['label', 'all', 'parallel']

export function flagsOf(row: CommandRow): readonly FlagName[] {
  return [
    ...row.flags,
    ...(row.changes ? ofChanges : []),
    ...(row.bulk ? ofSeveral : []),
    ...(row.watch ? (['watch'] as const) : []),
    ...everywhere,
  ]
}

/** The flags of one command line. */
export class Flags {
  readonly #given: ReadonlyMap<FlagName, readonly string[]>

  /** A flag without value counts as one empty string. */
  constructor(given: ReadonlyMap<FlagName, readonly string[]>) {
    this.#given = given
  }

  has(name: FlagName): boolean {
    return this.#given.has(name)
  }

  count(name: FlagName): number {
    return this.#given.get(name)?.length ?? 0
  }

  /** The last one given; undefined when it was not. */
  text(name: FlagName): string | undefined {
    return this.#given.get(name)?.at(-1)
  }

  texts(name: FlagName): readonly string[] {
    return this.#given.get(name) ?? []
  }

  /** All values, where commas part them too. */
  list(name: FlagName): readonly string[] {
    return this.texts(name).flatMap((text) => text.split(',').filter((word) => word !== ''))
  }
}
