/** The code that is to be built, as the command line names it: a repository, an archive, or the folder one stands in. */
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import type { Upload } from '../../api/resources.ts'
import type { Context } from '../context.ts'
import { withInterrupt } from '../work/follow.ts'
import { createMeter } from './meter.ts'

export type AskedSource =
  | { readonly git: string; readonly ref?: string }
  | { readonly url: string; readonly sha256: string }
  | { readonly upload: string; readonly about: string; readonly commit?: string; readonly dirty?: boolean }

export interface Code {
  readonly app: string
  /** What a build of it can be planned by; its croft.toml where that lies here. */
  readonly planned: { readonly about: string; readonly toml?: string }
  /** Sends what has to be sent. No source: the repository that the farm knows of the app. */
  take(): Promise<AskedSource | undefined>
}

export async function codeOf(context: Context, named: string | undefined): Promise<Code> {
  const { flags } = context
  const [git, tar, ref] = [flags.text('git'), flags.text('tar'), flags.text('ref')]
  if (git !== undefined && tar !== undefined)
    throw new CroftError('USAGE', 'code is from --git or from --tar, not both')
  const app = named ?? (await appNameHere())
  if (git !== undefined) return fromGit(app, git, ref)
  if (tar !== undefined) return { app, planned: { about: basename(tar) }, take: () => fromTar(context, tar) }
  if (named !== undefined && (await hasRepository(context, app))) {
    const { git } = await context.client.request('getApp', { params: { app } })
    if (ref !== undefined) return fromGit(app, git?.url ?? '', ref)
    return { app, planned: { about: `${git?.url} ${git?.ref}` }, take: async () => undefined }
  }
  if (ref !== undefined) throw new CroftError('USAGE', '--ref needs a repository: --git URL')
  return fromHere(context, app)
}

const fromGit = (app: string, git: string, ref: string | undefined): Code => ({
  app,
  planned: { about: ref === undefined ? git : `${git} ${ref}` },
  take: async () => ({ git, ...(ref === undefined ? {} : { ref }) }),
})

/** The folder one stands in is another app's, when the farm knows where the code of this one is. */
async function hasRepository({ client }: Context, app: string): Promise<boolean> {
  if ((await readAppName()) === app) return false
  const known = await client.request('getApp', { params: { app } }).catch((thrown) => {
    if (thrown instanceof CroftError && thrown.code === 'NOT_FOUND') return undefined
    throw thrown
  })
  return known !== undefined && known.git !== null
}

/** What croft.toml says, else what the folder is called. */
export async function appNameHere(): Promise<string> {
  const name = (await readAppName()) ?? basename(process.cwd()).toLowerCase()
  if (appName.test(name)) return name
  throw new CroftError('USAGE', `which app? This folder has no croft.toml with its name`, { hint: 'croft build APP' })
}

const appName = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/

/** A look at `[app]` does for most; where that finds no name the whole file is read, for it may be wrong. */
export async function readAppName(): Promise<string | undefined> {
  let text: string
  try {
    text = readFileSync('croft.toml', 'utf8')
  } catch {
    return undefined
  }
  const section = /^\s*\[\s*app\s*\]\s*$([\s\S]*?)(?=^\s*\[|$(?![\s\S]))/m.exec(text)?.[1] ?? ''
  const name = /^[ \t]*name[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)')[ \t\r]*(?:#.*)?$/m.exec(section)?.slice(1).join('')
  if (name !== undefined && appName.test(name)) return name
  const { nameInToml } = await import('../../daemon/main.ts')
  return nameInToml(text)
}

async function fromTar(context: Context, from: string): Promise<AskedSource> {
  const sha256 = context.flags.text('sha256')
  if (/^https?:\/\//.test(from)) {
    if (sha256 !== undefined) return { url: from, sha256 }
    throw new CroftError('USAGE', 'what comes from an address needs its --sha256', { hint: 'sha256sum FILE' })
  }
  const found = await stat(from).catch((cause: Error) => {
    throw new CroftError('USAGE', `"${from}" cannot be read: ${cause.message}`, { cause })
  })
  if (!found.isFile()) throw new CroftError('USAGE', `"${from}" is not a file`)
  if (sha256 !== undefined) await assertHash(from, sha256)
  const about = basename(from)
    .replaceAll(/[^\w.+-]/g, '_')
    .slice(0, 100)
  return { upload: await send(context, createReadStream(from, { highWaterMark: 256 * 1024 })), about }
}

async function assertHash(path: string, wanted: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  if (hash.digest('hex') !== wanted) throw new CroftError('HASH_DIFFERS', `"${path}" has another sha256`)
}

async function fromHere(context: Context, app: string): Promise<Code> {
  const { listHere } = await import('./here.ts')
  const { archiveOf } = await import('./send.ts')
  const { paths: listed, commit, dirty } = await listHere(context)
  if (listed.length === 0) throw new CroftError('USAGE', 'this folder holds no file to build')
  const { croftToml } = await import('./write-down.ts')
  const toml = await croftToml(context, listed, app)
  const paths = [...new Set([...listed, 'croft.toml'])]
  const about = commit === undefined ? 'a folder' : `a folder at ${commit.slice(0, 8)}${dirty ? ' with changes' : ''}`
  const from = { about, ...(commit === undefined ? {} : { commit, dirty }) }
  const onLeftOut = (path: string, why: string) => context.say(`! ${path} is ${why}: left out`)
  return {
    ...{ app, planned: { about, toml } },
    async take() {
      const sent = paths.map((path) => ({ from: path, name: path, asLink: true }))
      const archive = archiveOf(sent, { owner: { uid: 0, gid: 0 }, onBytes() {}, onLeftOut })
      return { upload: await send(context, archive), ...from }
    },
  }
}

async function send(context: Context, source: AsyncIterable<Uint8Array>): Promise<string> {
  const { upload } = await import('../wire/transfer.ts')
  const line = await context.client.line()
  using meter = createMeter(context, 'sent')
  const onBytes = (count: number) => meter.add(count)
  const sent = await withInterrupt(context, (signal) => upload({ line, path: '/v1/uploads', signal, onBytes }, source))
  return (sent as Upload).id
}
