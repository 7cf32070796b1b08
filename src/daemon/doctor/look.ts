/** How the doctor looks at the machine: files, folders and a few commands. Tests pass a machine made of values. */
import { Resolver } from 'node:dns/promises'
import { access, constants, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Runner } from '../../drivers/exec/command.ts'

export interface Look {
  readonly run: Runner
  /** Undefined when there is no such file; throws when it could not tell. */
  text(path: string): Promise<string | undefined>
  /** The names in a folder; none when there is no such folder. */
  names(path: string): Promise<readonly string[]>
  /** Where a program is, on the path that our commands run with. */
  program(name: string): Promise<string | undefined>
  /** True when a name server says anything at all. */
  answers(nameserver: string): Promise<boolean>
}

const programFolders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** `root` stands before every path: tests look at a folder. */
export function createLook(run: Runner, root = '/'): Look {
  return {
    run,
    text: (path) => orUndefined(readFile(join(root, path), 'utf8')),
    names: async (path) => (await orUndefined(readdir(join(root, path)))) ?? [],
    async program(name) {
      for (const folder of programFolders) {
        if (await isExecutable(join(root, folder, name))) return join(folder, name)
      }
      return undefined
    },
    answers,
  }
}

async function answers(nameserver: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  resolver.setServers([nameserver])
  try {
    await resolver.resolveNs('.')
    return true
  } catch (thrown) {
    return !['ETIMEOUT', 'ECONNREFUSED', 'ECANCELLED'].includes(codeOf(thrown))
  }
}

async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return undefined
    throw thrown
  }
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

const codeOf = (thrown: unknown): string => String((thrown as NodeJS.ErrnoException).code)
