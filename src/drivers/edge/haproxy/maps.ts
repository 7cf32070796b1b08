/** What may change while the process runs: maps, lists of networks, certificates. Pure. */
import { join } from 'node:path'
import type { EdgeCertificate, EdgeWish, Site } from '../driver.ts'
import { certificateFile, type Layout, listFile, mapFiles, nearFile, operatorsFile } from './layout.ts'
import { isPassthrough } from './stream.ts'
import { isLookedAt } from './upstream.ts'

/** TLS of these names ends at the edge, also where `*.example.org` is passed through: no id of a stream has a dash. */
export const endsHere = 'ends-here'

/** `key value` by line, as a map has them. */
export type Entries = readonly string[]

export function mapsOf(wish: EdgeWish): Map<string, Entries> {
  const port = /:(\d+)$/.exec(wish.https[0] ?? ':443')?.[1]
  const suffix = port === '443' ? '' : `:${port}`
  return new Map([
    [mapFiles.routes, wish.sites.flatMap(routes)],
    [mapFiles.aliases, wish.sites.flatMap((site) => aliases(site, wish.https.length > 0, suffix))],
    [mapFiles.tokens, wish.tokens.map(({ token, answer }) => `${token} ${answer}`)],
    [mapFiles.noindex, wish.sites.flatMap(({ id, noindex }) => noindex.map((host) => `${id}/${host} yes`))],
    [
      mapFiles.passthrough,
      // Without its frontend nobody reads the map, and no word could change it.
      !isPassthrough(wish)
        ? []
        : [
            ...wish.streams.flatMap(({ id, match }) =>
              match.kind === 'passthrough' ? match.hosts.map((host) => `${host} ${id}`) : [],
            ),
            ...new Set(
              wish.sites.flatMap(({ hosts, aliases }) => [...hosts, ...aliases]).map((host) => `${host} ${endsHere}`),
            ),
          ],
    ],
  ])
}

/** `host/path/`: the slash at the end keeps `/api` from answering for `/apix`. */
const routes = ({ id, hosts, path }: Site): string[] => hosts.map((host) => `${host}${path === '/' ? '' : path}/ ${id}`)

function aliases({ hosts: [first = ''], aliases: names, https }: Site, hasTls: boolean, port: string): string[] {
  const at = hasTls && https !== 'off' ? `https://${first}${port}` : `http://${first}`
  return names.map((name) => `${name} ${at}`)
}

/** Empty ones are not there: an empty list would be no rule. */
export function listsOf(wish: EdgeWish): Map<string, Entries> {
  const lists: [string, Entries][] = wish.sites.flatMap(({ id, allow, deny }) => [
    [listFile('allow', id), allow],
    [listFile('deny', id), deny],
  ])
  const near: [string, Entries][] = wish.sites.some(isLookedAt) ? [[nearFile, wish.near]] : []
  return new Map([[operatorsFile, wish.operators], ...near, ...lists.filter(([, entries]) => entries.length > 0)])
}

/** A line of the list of certificates. The first stands for every name that no other has. */
export const certificateLine = ({ name, names }: EdgeCertificate, { folder }: Layout): string =>
  [join(folder, certificateFile(name)), ...names].join(' ')

export const textOf = (entries: Entries): string => entries.map((entry) => `${entry}\n`).join('')
