/** Executables `croft-NAME` on PATH are subcommands. They never shadow a built-in: only unknown words come here. */
import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'

/** Becomes that program, or returns when there is none. */
export function runExternal(
  asked: { readonly word: string; readonly rest: readonly string[] },
  env: Readonly<Record<string, string | undefined>>,
): void {
  const file = findExternal(asked.word, env.PATH)
  if (file === undefined || process.execve === undefined) return
  process.execve(file, [file, ...asked.rest], definedOnly(env))
}

/** Only absolute folders of PATH are searched: what lies in the present folder is not meant by a word. */
export function findExternal(word: string, path: string | undefined): string | undefined {
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(word)) return undefined
  const folders = (path ?? '').split(':').filter((folder) => isAbsolute(folder))
  return folders.map((folder) => join(folder, `croft-${word}`)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, value]])),
  )
}
