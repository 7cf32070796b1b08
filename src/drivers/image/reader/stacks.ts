/** Images of layers: OCI layouts and what `docker save` writes. Every blob is checked against the digest that names it. */
import { createHash } from 'node:crypto'
import { readSync } from 'node:fs'
import { arch } from 'node:process'
import { type Range, readRange } from './bytes.ts'
import { cleanPath } from './paths.ts'
import { Refused } from './refused.ts'

export interface Contents {
  has(path: string): boolean
  range(path: string): Range | undefined
  /** Of a small file; refuses when it is not there. */
  text(path: string): string
}

export interface ImageConfig {
  readonly words: readonly string[]
  readonly env: readonly string[]
  readonly user: string
  readonly folder: string
  readonly stopSignal: string
}

export interface Stacked {
  /** Lowest first. */
  readonly layers: readonly Range[]
  readonly config: ImageConfig
}

const maxJsonBytes = 4 * 1024 ** 2
const maxLayers = 500
const ourArchitecture = arch === 'x64' ? 'amd64' : arch

export function textOf({ fd, from, to }: Range): string {
  if (to - from > maxJsonBytes) throw new Refused('a description in the archive is too large')
  const buffer = Buffer.alloc(to - from)
  readSync(fd, buffer, 0, buffer.length, from)
  return buffer.toString('utf8')
}

export async function readOci(contents: Contents): Promise<Stacked> {
  const manifest = await findManifest(contents, objectOf(contents.text('index.json')), 0)
  const layers = await inTurn(listOf(manifest.layers), async (layer) => blob(contents, textIn(layer, 'digest')))
  const config = await blob(contents, textIn(objectIn(manifest, 'config'), 'digest'))
  return { layers: few(layers), config: configOf(objectOf(textOf(config))) }
}

export async function readDocker(contents: Contents): Promise<Stacked> {
  const [image, another] = listOf(parse(contents.text('manifest.json')))
  if (!image || another) throw new Refused('the archive must hold one image')
  const layers = listOf((image as { Layers?: unknown }).Layers).map((name) => {
    const range = contents.range(cleanPath(String(name)))
    if (!range) throw new Refused('the archive names a layer that it does not hold')
    return range
  })
  return { layers: few(layers), config: configOf(objectOf(contents.text(cleanPath(textIn(image, 'Config'))))) }
}

/** An index names manifests, or further indexes; one for this machine is taken. */
async function findManifest(contents: Contents, index: Json, depth: number): Promise<Json> {
  if (depth > 3) throw new Refused('the image is an index of indexes without end')
  if (index.layers !== undefined) return index
  const all = listOf(index.manifests)
  const ours = all.filter((each) => {
    const platform = (each as { platform?: Json }).platform
    return platform === undefined || (platform.os === 'linux' && platform.architecture === ourArchitecture)
  })
  const [first] = ours
  if (!first) throw new Refused(`the archive holds no image for linux on ${ourArchitecture}`)
  const digests = new Set(ours.map((each) => textIn(each, 'digest')))
  if (digests.size > 1 && depth === 0) throw new Refused('the archive must hold one image')
  return findManifest(contents, objectOf(textOf(await blob(contents, textIn(first, 'digest')))), depth + 1)
}

async function blob(contents: Contents, digest: string): Promise<Range> {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1]
  if (hex === undefined) throw new Refused('a digest in the archive is no sha256')
  const range = contents.range(`blobs/sha256/${hex}`)
  if (!range) throw new Refused(`the archive names a part that it does not hold: sha256:${hex}`)
  const hash = createHash('sha256')
  for await (const chunk of readRange(range)) hash.update(chunk as Buffer)
  if (hash.digest('hex') !== hex) throw new Refused(`a part of the archive is damaged: sha256:${hex}`)
  return range
}

function configOf(described: Json): ImageConfig {
  const config = (described.config ?? {}) as Json
  return {
    words: [...wordsOf(config.Entrypoint), ...wordsOf(config.Cmd)],
    env: wordsOf(config.Env),
    user: String(config.User ?? ''),
    folder: String(config.WorkingDir ?? ''),
    stopSignal: String(config.StopSignal ?? ''),
  }
}

type Json = Readonly<Record<string, unknown>>

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refused('a description in the archive is no JSON')
  }
}

function objectOf(text: string): Json {
  const value = parse(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw new Refused('a description in the archive has not the form it must have')
}

const objectIn = (of: Json, key: string): Json => objectOf(JSON.stringify(of[key] ?? null))
const wordsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  throw new Refused('a description in the archive has not the form it must have')
}

function textIn(of: unknown, key: string): string {
  const value = typeof of === 'object' && of !== null ? (of as Json)[key] : undefined
  if (typeof value === 'string') return value
  throw new Refused(`a description in the archive lacks its "${key}"`)
}

function few(layers: readonly Range[]): readonly Range[] {
  if (layers.length <= maxLayers) return layers
  throw new Refused(`the image has more than ${maxLayers} layers`)
}

async function inTurn<T, R>(values: readonly T[], work: (value: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const value of values) results.push(await work(value))
  return results
}
