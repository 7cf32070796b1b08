/** The access log: it is appended to by a process of its own (carrier.ts); here it is read, and kept small. */
import { createReadStream } from 'node:fs'
import { copyFile, rename, stat, truncate } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { AccessLine, LogPage, LogWanted } from '../driver.ts'
import type { Layout } from './layout.ts'

const rotateAtBytes = 32 * 1024 * 1024
const mostReadBytes = 16 * 1024 * 1024
const mostMessageBytes = 1024 * 1024
const mostLines = 10_000

const first = '%[date,utime(%Y-%m-%dT%H:%M:%SZ)] %ci'
/** `host` and `path` as variables that the configuration sets. */
export const httpFormat = `${first} %[var(txn.site)] %[var(txn.name)] %HM %[var(txn.asked)] %ST %B %U %Tw %Ta %s %ts`
export const tcpFormat = (id: string): string => `${first} ${id} - TCP - 0 %B %U %Tw %Tt %s %ts`

/** HAProxy's own words about servers are in the file as well: they are no requests. */
export function parseLine(line: string): AccessLine | undefined {
  const words = line.split(' ')
  const [time = '', client = '', site, host, method = '', path = '', status, out, into, waited, took, server] = words
  const timeMs = Date.parse(time)
  if (words.length !== 13 || Number.isNaN(timeMs)) return undefined
  return {
    ...{ timeMs, client, method: method === '<BADREQ>' ? '-' : method, path },
    ...(site === '-' || site === undefined ? {} : { site }),
    ...(host === '-' || host === undefined ? {} : { host }),
    ...{ status: positive(status), bytesOut: positive(out), bytesIn: positive(into) },
    ...{ waitedMs: positive(waited), tookMs: positive(took) },
    ...(server?.startsWith('s_') ? { server: server.slice(2) } : {}),
  }
}

const positive = (text: string | undefined): number => Math.max(0, Number(text) || 0)

/** A place is where in the file reading goes on. The file before it has the same bytes at the same places. */
export async function readLog({ accessLog }: Layout, wanted: LogWanted): Promise<LogPage> {
  const size = await sizeOf(accessLog)
  const kept: AccessLine[] = []
  const most = Math.min(mostLines, Math.max(0, wanted.tail))
  const take = (line: string) => {
    const parsed = parseLine(line)
    if (!parsed || !fits(parsed, wanted)) return
    kept.push(parsed)
    if (kept.length > 2 * most) kept.splice(0, kept.length - most)
  }
  const after = wanted.after === undefined ? undefined : positive(wanted.after)
  const isRotated = after !== undefined && after > size
  if (isRotated || after === undefined) await readLines(previous(accessLog), { from: after, take })
  const next = await readLines(accessLog, { from: isRotated ? 0 : after, take })
  return { lines: kept.slice(Math.max(0, kept.length - most)), next: String(next) }
}

const fits = (line: AccessLine, { site, sinceMs }: LogWanted): boolean =>
  (site === undefined || line.site === site) && (sinceMs === undefined || line.timeMs >= sinceMs)

/** Whole lines from a place on, or of the end of the file. Returns the place after the last whole one. */
async function readLines(
  file: string,
  { from, take }: { readonly from: number | undefined; readonly take: (line: string) => void },
): Promise<number> {
  const size = await sizeOf(file)
  const start = Math.max(from ?? 0, size - mostReadBytes)
  if (start >= size) return size
  let place = start
  let isCut = start > (from ?? 0)
  let pending: string | undefined
  const input = createReadStream(file, { start, end: size - 1, encoding: 'latin1' })
  const step = (line: string) => {
    place += line.length + 1
    if (!isCut) take(line)
    isCut = false
  }
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (pending !== undefined) step(pending)
    pending = line
  }
  // The last one may be under way still.
  if (pending !== undefined && place + pending.length + 1 <= size) step(pending)
  return place
}

const previous = (file: string): string => `${file}.1`

/**
 * Who appends holds the file open: it is copied and emptied, never moved. What is written between the two is lost, a few lines
 * at most.
 */
export async function trimLogs({ accessLog, messages }: Layout): Promise<void> {
  if ((await sizeOf(messages)) > mostMessageBytes) await truncate(messages)
  if ((await sizeOf(accessLog)) <= rotateAtBytes) return
  await copyFile(accessLog, `${previous(accessLog)}.new`)
  await truncate(accessLog)
  await rename(`${previous(accessLog)}.new`, previous(accessLog))
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw thrown
  }
}
