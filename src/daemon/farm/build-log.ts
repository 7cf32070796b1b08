/** What a build printed, in a file for root alone: its begin as it comes, and behind a gap its end. */
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const headBytes = 4 * 1024 ** 2
const tailBytes = 4 * 1024 ** 2
const keptLogs = 100
const blockBytes = 64 * 1024
/** Who looks at it meanwhile sees it so late. */
const soonMs = 500

export interface BuildLog extends AsyncDisposable {
  write(line: string): void
}

export async function openBuildLog(folder: string, id: string): Promise<BuildLog> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = await open(logPath(folder, id), 'w', 0o600)
  const tail: string[] = []
  let block = ''
  let head = 0
  let left = 0
  let writing: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  const put = (text: string) => {
    writing = writing.then(() => file.write(text)).catch(() => {})
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (head < headBytes) put(block)
    else {
      tail.push(block)
      if (tail.length * blockBytes > tailBytes) left += tail.shift()?.length ?? 0
    }
    head += block.length
    block = ''
  }
  return {
    write(line) {
      block += `${line}\n`
      if (block.length >= blockBytes) flush()
      else timer ??= setTimeout(flush, soonMs)
    },
    async [Symbol.asyncDispose]() {
      flush()
      if (left > 0) put(`… ${left} letters are left out here …\n`)
      put(tail.join(''))
      await writing
      await file.close()
      await forgetOld(folder).catch(() => {})
    },
  }
}

/** NOT_FOUND is for the caller to say: undefined. */
export const openLog = (folder: string, id: string): Promise<FileHandle | undefined> =>
  open(logPath(folder, id), 'r').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })

/** The newest stay. */
async function forgetOld(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.log'))
  if (names.length <= keptLogs) return
  const aged = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
  )
  for (const { name } of aged.toSorted((a, b) => b.at - a.at).slice(keptLogs)) await rm(join(folder, name))
}

/** Ids are ours: letters and digits. */
const logPath = (folder: string, id: string): string => join(folder, `${id}.log`)
