/** Takes a connection to the daemon over, once the daemon agrees. */
import type { Socket } from 'node:net'
import { sessionProtocol } from '../../api/frames.ts'
import { type Line, speak } from './line.ts'
import { broken, type Reply, readHead, replyReader } from './reply.ts'

export interface Opened {
  readonly socket: Socket
  /** What the daemon said already. */
  readonly rest: Buffer
}

/** The way in, before it is said what is run there. */
export interface Entrance {
  open(): Promise<Opened>
  readonly user?: { readonly uid: number; readonly gid: number }
}

const answerWithinMs = 60_000

/** The reply when the daemon refused. */
export function upgrade(line: Line, path: string): Promise<Opened | Reply> {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: croft',
    'accept: application/json',
    'connection: upgrade',
    `upgrade: ${sessionProtocol}`,
    ...line.heads,
  ]
  const reader = replyReader({ maxBytes: 1024 ** 2 })
  let kept: Buffer = Buffer.alloc(0)
  let refused = false
  let taken = false
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      socket.destroy()
      reject(error)
    }
    const take = (chunk: Buffer): void => {
      if (taken) return
      kept = Buffer.concat([kept, chunk])
      const read = refused ? undefined : readHead(kept)
      if (!refused && !read) return
      if (read?.head.status === 101) {
        taken = true
        socket.pause().setTimeout(0)
        resolve({ socket, rest: read.rest })
        return
      }
      const reply = reader.push(refused ? chunk : kept)
      refused = true
      if (!reply) return
      socket.destroy()
      resolve(reply)
    }
    const socket = speak(line, Buffer.from(`${head.join('\r\n')}\r\n\r\n`), {
      idleMs: answerWithinMs,
      onData(chunk) {
        try {
          take(chunk)
        } catch (error) {
          fail(error)
        }
      },
      onEnd: () => fail(broken('the daemon closed the connection without an answer')),
      onFailure: fail,
    })
  })
}
