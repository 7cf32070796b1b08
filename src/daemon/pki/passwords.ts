/** Passwords as crypt(3) knows them: SHA-512, by openssl. The password itself is kept nowhere. */
import { CroftError } from '../../api/errors.ts'
import type { Runner } from '../../drivers/exec/command.ts'

export type HashPassword = (password: string) => Promise<string>

export const passwordHasher =
  (run: Runner): HashPassword =>
  async (password) => {
    const said = await run.run({
      file: 'openssl',
      args: ['passwd', '-6', '-stdin'],
      stdin: `${password}\n`,
      timeoutMs: 30_000,
    })
    const hash = said.trimEnd()
    if (/^\$6\$[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}$/.test(hash)) return hash
    throw new CroftError('FAILED', 'openssl made no hash of the password')
  }
