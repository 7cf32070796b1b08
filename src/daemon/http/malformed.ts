/** What is no HTTP is answered as everything else, and its connection ends. */
import type { Socket } from 'node:net'
import { CroftError, errorTable } from '../../api/errors.ts'
import { printableLine } from '../../api/printable.ts'

export function answerMalformed(thrown: Error & { readonly code?: string }, socket: Socket): void {
  if (thrown.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const error =
    thrown.code === 'HPE_HEADER_OVERFLOW'
      ? new CroftError('TOO_LARGE', 'the headers are larger than the limit')
      : new CroftError('BAD_REQUEST', printableLine(`this is no HTTP request: ${thrown.message}`))
  const text = JSON.stringify(error.toBody())
  const head = [
    `HTTP/1.1 ${errorTable[error.code].status} ${error.code}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}
