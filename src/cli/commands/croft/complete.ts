/** Called by the scripts of `croft completion` for each Tab: quick, and silent whatever goes wrong. */
import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'
import type { listPaths } from '../../files/list-paths.ts'
import { listExternals } from '../../process/external.ts'
import { commands } from '../../table.ts'
import { items } from '../../wire/request.ts'
import { type Candidate, type Completion, complete } from '../../words/complete.ts'

/** Nobody waits longer for a Tab; without an answer there are only the words of the table. */
const deadlineMs = 700
/** What is written into a command line as it is must mean nothing to a shell. */
const harmless = /^[A-Za-z0-9@:._/=+-]+$/

export async function run(context: Context): Promise<Answer> {
  const typed = context.command ?? []
  const { words, names, files } = complete(commands, typed, listExternals(commands, context.io.env.PATH))
  // No daemon, no names.
  const found = names ? await namesOf(context, names, typed.at(-1) ?? '').catch(() => []) : []
  const given = new Set(typed.slice(0, -1))
  const all = [...found.map(({ word, ...more }) => ({ word: `${names?.before}${word}`, ...more })), ...words]
  const fitting = all.filter(
    ({ word }) => word.startsWith(typed.at(-1) ?? '') && harmless.test(word) && !given.has(word),
  )
  context.io.stdout.write(fitting.map(lineOf).join('') + (files ? ':files\n' : ''))
  return silent()
}

const lineOf = ({ word, means }: Candidate): string =>
  means === undefined ? `${word}\n` : `${word}\t${means.replace(/[^\x20-\x7e]/g, ' ')}\n`

const unique = (words: readonly string[]): Candidate[] => [...new Set(words)].map((word) => ({ word }))

const pathsOf = async (...asked: Parameters<typeof listPaths>) =>
  (await import('../../files/list-paths.ts')).listPaths(...asked)

type Names = NonNullable<Completion['names']>

async function namesOf(context: Context, names: Names, current: string): Promise<readonly Candidate[]> {
  const { kind, of: site = '' } = names
  const signal = AbortSignal.timeout(deadlineMs)
  const { client } = context
  const guests = async () => items(await client.request('listGuests', { signal }))
  switch (kind) {
    case 'guest':
      return (await guests()).map(({ name, status }) => ({ word: name, means: status?.state ?? 'creating' }))
    case 'newSnapshot':
      return (await guests()).map(({ name }) => ({ word: `${name}@` }))
    case 'guestPath':
      if (current.includes(':/')) return unique(await pathsOf(context, current, signal))
      return (await guests()).map(({ name }) => ({ word: `${name}:/` }))
    case 'label':
      return unique((await guests()).flatMap(({ spec }) => Object.entries(spec.labels).map((pair) => pair.join('='))))
    case 'labelKey':
      return unique((await guests()).flatMap(({ spec }) => Object.keys(spec.labels).map((key) => `${key}=`)))
    case 'snapshot':
      return items(await client.request('listSnapshots', { signal })).map(({ guest, name, created }) => ({
        word: `${guest}@${name}`,
        means: created,
      }))
    case 'template':
      return items(await client.request('listTemplates', { signal })).map(({ ref, state }) => ({
        word: ref,
        means: state,
      }))
    case 'op':
      return items(await client.request('listOperations', { signal })).map(({ id, verb, target, state }) => ({
        word: id,
        means: `${verb} ${target.name} ${state}`,
      }))
    case 'host':
      return items(await client.request('listHosts', { signal })).map(({ name }) => ({ word: name }))
    case 'pool':
      return items(await client.request('listPools', { signal })).map(({ name }) => ({ word: name }))
    case 'network':
      return items(await client.request('listNetworks', { signal })).map(({ name }) => ({ word: name }))
    case 'route':
      return items(await client.request('listRoutes', { signal })).map(({ name, target }) => ({
        word: name,
        means: target,
      }))
    case 'app':
      return items(await client.request('listApps', { signal })).map(({ name }) => ({ word: name }))
    case 'site':
      return items(await client.request('listSites', { signal })).map(({ name, state }) => ({
        word: name,
        means: state,
      }))
    case 'build':
      return items(await client.request('listBuilds', { signal })).map(({ id, app, state }) => ({
        word: id,
        means: `${app} ${state}`,
      }))
    case 'release':
      return items(await client.request('listReleases', { signal })).map(({ ref, state }) => ({
        word: ref,
        means: state,
      }))
    case 'version': {
      const query = { app: site.split('/')[0] ?? '' }
      const releases = items(await client.request('listReleases', { signal, query }))
      return releases.map(({ version, state }) => ({ word: version, means: state }))
    }
    case 'configPath':
    case 'configSetting': {
      const { values } = await client.request('getConfig', { signal, params: { site }, query: { all: 1 } })
      return values.map(({ path }) => ({ word: kind === 'configPath' ? path : `${path}=` }))
    }
    case 'secret':
      return items(await client.request('listSecrets', { signal, params: { site } })).map(({ name }) => ({
        word: name,
      }))
    case 'volume':
      return items(await client.request('listVolumes', { signal })).map(({ name, state }) => ({
        word: name,
        means: state,
      }))
    case 'token':
      return items(await client.request('listTokens', { signal })).map(({ name, role }) => ({
        word: name,
        means: role,
      }))
    case 'cert':
      return items(await client.request('listCertificates', { signal })).map(({ name }) => ({ word: name }))
    case 'size':
      return items(await client.request('listSizes', { signal })).map(({ name }) => ({ word: name }))
  }
}
