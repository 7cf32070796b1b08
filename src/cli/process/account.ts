/** A user of a guest, as its own /etc/passwd knows him. Groups beside the first are not given: lxc-attach has no word for them. */
import { CroftError } from '../../api/errors.ts'
import type { AttachCommand } from '../wire/request.ts'
import { insideProgram } from './attach.ts'
import { runStreamed } from './spawn.ts'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  /** What he is given by `croft shell`; /bin/sh for who may not log in. */
  readonly shell: string
}

const mostBytes = 1024 ** 2
const highest = 65535

export async function findAccount(how: AttachCommand, guest: string, asked: string): Promise<Account> {
  const account = parseAccount(await readPasswd(how), asked)
  if (account) return account
  const hint = `croft exec ${guest} -- cat /etc/passwd`
  throw new CroftError('NOT_FOUND', `guest "${guest}" has no user "${asked}"`, { hint })
}

/** By name or number; a number may belong to nobody. */
export function parseAccount(passwd: string, asked: string): Account | undefined {
  const number = /^\d{1,5}$/.test(asked) ? Number(asked) : undefined
  for (const line of passwd.split('\n')) {
    const [name = '', , uid = '', gid = '', , home = '', shell = ''] = line.split(':')
    if (!isId(uid) || !isId(gid) || (name !== asked && Number(uid) !== number)) continue
    const ids = { uid: Number(uid), gid: Number(gid) }
    return { name, ...ids, home: home.startsWith('/') ? home : '/', shell: shellOf(shell) }
  }
  if (number === undefined || number > highest) return undefined
  return { name: asked, uid: number, gid: number, home: '/', shell: '/bin/sh' }
}

const shellOf = (shell: string): string => (/^\/.*(?<!\/nologin|\/false)$/.test(shell) ? shell : '/bin/sh')

const isId = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= highest

async function readPasswd(how: AttachCommand): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  const { exit } = await runStreamed(insideProgram(how, { command: ['cat', '/etc/passwd'], env: {} }), {
    onOutput(part) {
      bytes += part.length
      if (bytes <= mostBytes) parts.push(part)
    },
  })
  if (exit !== 0) throw new CroftError('FAILED', 'the guest’s /etc/passwd cannot be read')
  return Buffer.concat(parts).toString('utf8')
}
