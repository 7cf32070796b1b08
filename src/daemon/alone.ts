/** One daemon for a state directory, also while the store cannot tell. The name is free when its process is dead. */
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { CroftError } from '../api/errors.ts'

export function holdAlone(stateDir: string): Promise<Server> {
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 32)
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (cause) =>
      reject(new CroftError('BUSY', `a croft daemon runs on ${stateDir} already`, { hint: 'croft status', cause })),
    )
    server.listen(`\0croft-daemon-${name}`, () => resolve(server.unref()))
  })
}
