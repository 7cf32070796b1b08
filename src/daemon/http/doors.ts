/**
 * The daemon's doors. Who speaks follows from the door: root's own socket, and one beside it for the members of the group
 * `croft`, who may read (without that group only root opens either). Who comes from outside shows who they are.
 */
import { chmodSync, chownSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { CroftError } from '../../api/errors.ts'
import type { Caller } from './access.ts'
import type { Identify } from './identify.ts'
import { answerMalformed } from './malformed.ts'
import { answerUpgrades, upgradeOptions } from './upgrade.ts'

export const readersGroup = 'croft'

export const readerSocketOf = (socket: string): string => join(dirname(socket), 'read.sock')

export const operator: Caller = { name: 'root', role: 'operator' }
const reader: Caller = { name: 'reader', role: 'reader' }

export interface Doors {
  /** Throws when that is not told; before anything of the request but its head is read. */
  admit(request: IncomingMessage): Promise<void>
  callerOf(request: IncomingMessage): Caller
  /** What came in from outside, by TLS. */
  fromOutside(answer: Answer): Answer
  /** Listens for readers; what comes in there is known as theirs and answered as any other request. */
  openReader(socket: string, answer: Answer): Promise<Server>
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

export function createDoors(identify: Identify): Doors {
  const strangers = new WeakSet<IncomingMessage>()
  const known = new WeakMap<IncomingMessage, Caller>()
  return {
    async admit(request) {
      if (strangers.has(request)) known.set(request, await identify(request))
    },
    callerOf: (request) => {
      const caller = known.get(request)
      if (!caller && strangers.has(request)) throw new CroftError('UNAUTHENTICATED', 'this door asks who you are')
      return caller ?? operator
    },
    fromOutside: (answer) => (request, response) => {
      strangers.add(request)
      answer(request, response)
    },
    openReader(socket, answer) {
      const asReader: Answer = (request, response) => {
        known.set(request, reader)
        answer(request, response)
      }
      const server = createServer(upgradeOptions, asReader)
      server.on('clientError', (thrown, socket) => answerMalformed(thrown, socket as Socket))
      answerUpgrades(server, asReader)
      return listen(socket, server)
    },
  }
}

function listen(socket: string, server: Server): Promise<Server> {
  rmSync(socket, { force: true })
  return new Promise((resolve, reject) => {
    const before = process.umask(0o177)
    server.once('error', reject)
    server.listen(socket, () => {
      process.umask(before)
      letIn(socket)
      resolve(server)
    })
  })
}

function letIn(socket: string): void {
  const group = existsSync('/etc/group') ? groupId(readFileSync('/etc/group', 'utf8'), readersGroup) : undefined
  if (group === undefined) return
  chownSync(socket, 0, group)
  chmodSync(socket, 0o660)
}

/** The number of a group in /etc/group. */
export function groupId(groups: string, name: string): number | undefined {
  const line = groups.split('\n').find((each) => each.startsWith(`${name}:`))
  const id = Number(line?.split(':')[2])
  return Number.isInteger(id) && line !== undefined ? id : undefined
}
