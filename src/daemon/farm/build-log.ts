/** What a build printed, in a file for root alone: its begin as it comes, and behind a gap its end. */
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const headBytes = 4 * 1024 ** 2
const tailBytes = 4 * 1024 ** 2
const keptLogs = 100

export interface BuildLog extends AsyncDisposable {
  write(line: string): void
  /** The last lines, for who looks at the build and not at its log. */
  readonly last: readonly string[]
}

const lastLines = 40

export async function openBuildLog(folder: string, id: string): Promise<BuildLog> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = await open(logPath(folder, id), 'w', 0o600)
  const tail: string[] = []
  const last: string[] = []
  let head = 0
  let held = 0
  let left = 0
  let writing: Promise<unknown> = Promise.resolve()
  const put = (text: string) => {
    writing = writing.then(() => file.write(text)).catch(() => {})
  }
  return {
    last,
    write(line) {
      last.push(line)
      if (last.length > lastLines) last.shift()
      if (head < headBytes) {
        head += line.length + 1
        return put(`${line}\n`)
      }
      tail.push(line)
      held += line.length + 1
      while (held > tailBytes) {
        held -= (tail.shift()?.length ?? 0) + 1
        left += 1
      }
    },
    async [Symbol.asyncDispose]() {
      if (left > 0) put(`… ${left} lines are left out here\n`)
      if (tail.length > 0) put(`${tail.join('\n')}\n`)
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
