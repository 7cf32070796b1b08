/** From what a process was told to what it shall know: words for its socket. Pure. */
import type { EdgeServer } from '../driver.ts'
import { serverOf, waitingServer } from './layout.ts'
import type { BackendServers, Told } from './made.ts'
import { placeOf } from './servers.ts'

/** One server as the process has it. */
export interface PresentServer {
  readonly backend: string
  readonly name: string
  readonly address: string
  readonly port: number
  readonly maintenance: boolean
}

/** Whether words suffice; else new workers are needed. */
export const doWordsSuffice = (before: Told, after: Told): boolean => {
  const lines = new Map(before.certificates.map(({ file, line }) => [file, line]))
  const isListedAsBefore = after.certificates.every(({ file, line }) => (lines.get(file) ?? line) === line)
  return before.structure === after.structure && isListedAsBefore
}

export const changedTables = (before: Told, after: Told): string[] =>
  Object.keys(after.tables).filter((file) => before.tables[file] !== after.tables[file])

export const changedBackends = (before: Told, after: Told): string[] =>
  Object.keys(after.servers).filter(
    (backend) => JSON.stringify(before.servers[backend]) !== JSON.stringify(after.servers[backend]),
  )

/** What a server needs to be as wished. Gone ones are taken out when nothing of theirs is open any more, and rest until then. */
export function serverWords(backend: string, wish: BackendServers, present: readonly PresentServer[]): string[] {
  const byName = new Map(present.filter((one) => one.backend === backend).map((one) => [one.name, one]))
  const wished = new Set(wish.servers.map(({ id }) => serverOf(id)))
  const gone = [...byName.keys()].filter((name) => name.startsWith('s_') && !wished.has(name))
  const waiting = byName.get(waitingServer)
  const rests = wish.servers.length === 0 || wish.silent
  return [
    ...(wish.waits && waiting?.maintenance !== rests
      ? [`set server ${backend}/${waitingServer} state ${rests ? 'maint' : 'ready'}`]
      : []),
    ...wish.servers.flatMap((server) =>
      towards(`${backend}/${serverOf(server.id)}`, server, { wish, have: byName.get(serverOf(server.id)) }),
    ),
    ...gone.flatMap((name) => [`set server ${backend}/${name} state maint`, `del server ${backend}/${name}`]),
  ]
}

function towards(
  name: string,
  server: EdgeServer,
  { wish, have }: { readonly wish: BackendServers; readonly have: PresentServer | undefined },
): string[] {
  const state = `set server ${name} state ${server.state === 'drain' ? 'maint' : 'ready'}`
  if (!have) return [`add server ${name} ${placeOf(server)} ${wish.options}`, `enable health ${name}`, state]
  const moved = have.address !== server.address || have.port !== server.port
  return [
    ...(moved ? [`set server ${name} addr ${server.address} port ${server.port}`] : []),
    ...(have.maintenance === (server.state === 'drain') ? [] : [state]),
  ]
}

export interface CertificateChange {
  readonly added: readonly { readonly file: string; readonly line: string }[]
  readonly removed: readonly string[]
  /** Other contents, same names. */
  readonly renewed: readonly string[]
}

export function certificateChange(before: Told, after: Told): CertificateChange {
  const old = new Map(before.certificates.map((one) => [one.file, one]))
  const next = new Map(after.certificates.map((one) => [one.file, one]))
  const both = after.certificates.filter(({ file }) => old.has(file))
  return {
    added: after.certificates.filter(({ file }) => !old.has(file)),
    removed: before.certificates.map(({ file }) => file).filter((file) => !next.has(file)),
    renewed: both.filter(({ file, hash }) => old.get(file)?.hash !== hash).map(({ file }) => file),
  }
}
