/** A wish as files, and what of it a running process can be told. Pure. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { EdgeServer, EdgeWish } from '../driver.ts'
import { listensIn } from '../missed.ts'
import { type Around, configOf } from './config.ts'
import { certificateFile, certificatesFile, drainingFile, maintenanceFile, mapFiles, pageFile } from './layout.ts'
import { certificateLine, type Entries, listsOf, mapsOf, textOf } from './maps.ts'
import { drainingScript, maintenancePage, page, pageStatuses } from './pages.ts'
import { serverSets, withoutServers } from './servers.ts'
import { limitsBodies } from './site.ts'

/** What a process was told, kept beside the files as JSON. What it does not hold is in `structure`. */
export interface Told {
  /** Hash of all that only new workers learn. */
  readonly structure: string
  /** By backend. */
  readonly servers: Readonly<Record<string, BackendServers>>
  /** Hashes of maps and lists by file. */
  readonly tables: Readonly<Record<string, string>>
  readonly certificates: readonly { readonly file: string; readonly line: string; readonly hash: string }[]
  readonly listens: readonly string[]
}

export interface BackendServers {
  readonly options: string
  readonly waits: boolean
  readonly silent: boolean
  readonly servers: readonly EdgeServer[]
}

export interface Made {
  /** By name below the folder. */
  readonly files: ReadonlyMap<string, string>
  readonly config: string
  readonly told: Told
  readonly tables: ReadonlyMap<string, Entries>
  readonly mark: string
}

export function make(wish: EdgeWish, around: Around): Made {
  const maps = mapsOf(wish)
  const tables = new Map([...maps, ...listsOf(wish)])
  const pages = new Map([
    ...pageStatuses.map((status): [string, string] => [pageFile(status), page(status)]),
    ...wish.sites.flatMap(({ id, maintenance }): [string, string][] =>
      maintenance ? [[maintenanceFile(id), maintenancePage(maintenance.text)]] : [],
    ),
    ...(wish.sites.some(limitsBodies) ? [[drainingFile, drainingScript()] as const] : []),
  ])
  const config = configOf(wish, around)
  const lines = wish.certificates.map((certificate) => certificateLine(certificate, around.layout))
  const told = toldOf(wish, { config, pages, tables, lines, around })
  const mark = markOf(told)
  const files = new Map([
    ...pages,
    ...[...tables].map(([file, entries]): [string, string] => [file, textOf(entries)]),
    ...wish.certificates.map(({ name, pem }): [string, string] => [certificateFile(name), plainPem(pem)]),
    [certificatesFile, textOf(lines)],
    // The last that is written: a process that knows this mark has read all of the others.
    [mapFiles.mark, `mark ${mark}\n`],
  ])
  return { files, config, told, tables, mark }
}

export const markOf = (told: Told): string => hash(JSON.stringify(told))

interface Parts {
  readonly config: string
  readonly pages: ReadonlyMap<string, string>
  readonly tables: ReadonlyMap<string, Entries>
  readonly lines: readonly string[]
  readonly around: Around
}

function toldOf(wish: EdgeWish, { config, pages, tables, lines, around }: Parts): Told {
  const sets = serverSets(wish.sites, wish.streams)
  const fixed = sets.map(({ backend, options, comeAndGo, waits, servers }) => [
    backend,
    options,
    waits,
    ...(comeAndGo ? [] : servers.map(({ id }) => id)),
  ])
  // The first certificate answers for all names that no other has; that order is read at the start alone.
  const first = lines[0]
  return {
    structure: hash(JSON.stringify([withoutServers(config), [...pages], [...tables.keys()], fixed, first])),
    servers: Object.fromEntries(
      sets.map(({ backend, options, waits, silent, servers }) => [backend, { options, waits, silent, servers }]),
    ),
    tables: Object.fromEntries([...tables].map(([file, entries]) => [file, hash(textOf(entries))])),
    certificates: wish.certificates.map(({ name, pem }, index) => ({
      file: join(around.layout.folder, certificateFile(name)),
      line: lines[index] ?? '',
      hash: hash(plainPem(pem)),
    })),
    listens: listensIn(wish),
  }
}

/** An empty line would end it, where it is told by words. */
const plainPem = (pem: string): string => `${pem.trim().replaceAll(/\s*\n\s*/g, '\n')}\n`

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)
