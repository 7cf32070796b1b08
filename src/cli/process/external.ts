/** Executables `croft-NAME` on PATH are subcommands. They never shadow a built-in: only unknown words come here. */
import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { CommandRow } from '../command.ts'
import { findCommand } from '../words/grammar.ts'

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
  if (!externalName.test(word)) return undefined
  return foldersOf(path)
    .map((folder) => join(folder, `croft-${word}`))
    .find(isExecutable)
}

/** The words that are such commands, once each; what croft has itself is not among them. */
export function listExternals(table: readonly CommandRow[], path: string | undefined): readonly string[] {
  const words = foldersOf(path).flatMap((folder) =>
    namesIn(folder)
      .filter((name) => name.startsWith('croft-') && isExecutable(join(folder, name)))
      .map((name) => name.slice('croft-'.length)),
  )
  const isFree = (word: string): boolean => findCommand(table, [{ value: word, index: 0 }]).kind === 'unknown'
  return [...new Set(words)].filter((word) => externalName.test(word) && isFree(word)).sort()
}

const externalName = /^[a-z][a-z0-9-]{0,40}$/

const foldersOf = (path = ''): readonly string[] => path.split(':').filter((folder) => isAbsolute(folder))

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
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
