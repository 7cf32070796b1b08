/**
 * The daemon's doors: unix sockets. Who speaks follows from the door: root's own, and one beside it for the members of
 * the group `croft`, who may read. Without that group only root opens either.
 */
import { chmodSync, chownSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import type { Caller } from './access.ts'
import { answerMalformed } from './malformed.ts'

export const readersGroup = 'croft'

export const readerSocketOf = (socket: string): string => join(dirname(socket), 'read.sock')

export const operator: Caller = { name: 'root', role: 'operator' }
const reader: Caller = { name: 'reader', role: 'reader' }

export interface Doors {
  callerOf(request: IncomingMessage): Caller
  /** Listens for readers; what comes in there is known as theirs and answered as any other request. */
  openReader(socket: string, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server>
}

export function createDoors(): Doors {
  const readers = new WeakSet<IncomingMessage>()
  return {
    callerOf: (request) => (readers.has(request) ? reader : operator),
    openReader: (socket, answer) =>
      listen(
        socket,
        createServer((request, response) => {
          readers.add(request)
          answer(request, response)
        }).on('clientError', (thrown, socket) => answerMalformed(thrown, socket as Socket)),
      ),
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
