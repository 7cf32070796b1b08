/** Words to HAProxy's master, and through it to the worker that serves now (`@1`). */
import { createConnection } from 'node:net'
import { CroftError } from '../../../api/errors.ts'

export interface Talk {
  /** One command and all that is answered. Rejects when nobody hears. */
  say(words: string): Promise<string>
}

const patienceMs = 10_000
const mostBytes = 64 * 1024 * 1024

export const talkTo = (path: string): Talk => ({
  say: (words) =>
    new Promise((resolve, reject) => {
      const parts: Buffer[] = []
      let bytes = 0
      const socket = createConnection({ path })
      const fail = (message: string, cause?: unknown) => {
        socket.destroy()
        reject(new CroftError('FAILED', `the edge does not hear: ${message}`, { hint: 'croft doctor', cause }))
      }
      socket.setTimeout(patienceMs, () => fail(`no answer for ${patienceMs / 1000} s`))
      socket.once('error', (cause) => fail(cause.message, cause))
      socket.on('data', (part: Buffer) => {
        parts.push(part)
        bytes += part.length
        if (bytes > mostBytes) fail('the answer has no end')
      })
      socket.once('end', () => {
        socket.destroy()
        resolve(Buffer.concat(parts).toString('utf8').trim())
      })
      // Closed for writing: after the answer the master closes as well.
      socket.end(`${words}\n`)
    }),
})
