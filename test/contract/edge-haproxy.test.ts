/** HAProxy in a network namespace of its own: this file runs itself again there. Needs root. */
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EdgeWorld, edgeContract } from './edge.ts'
import { edgeTroubleContract } from './edge-trouble.ts'
import { answering, ask, openHaproxy, selfSigned } from './edge-world.ts'
import { isInside, runInside } from './namespace.ts'

if (!isInside) runInside('haproxy', import.meta.url, 'e')
else {
  const { edge, folder } = await openHaproxy()
  const [one, two] = [await answering('one'), await answering('two')]
  const world: EdgeWorld = {
    edge,
    servers: [one.here, two.here],
    dead: { id: 'dead', address: '127.0.0.1', port: 9, state: 'ready' },
    certificate: selfSigned,
    async ask(host, path, by = 'https') {
      const asked = await ask(host, path, { secure: by === 'https' }).catch((thrown) => {
        if (thrown.code === 'ECONNREFUSED') return undefined
        throw thrown
      })
      if (!asked) return undefined
      const { location, 'x-by': server } = asked.headers
      return {
        ...{ status: asked.status, text: asked.text },
        ...(location === undefined ? {} : { location }),
        ...(server === undefined ? {} : { by: String(server) }),
      }
    },
    async kill() {
      const master = Number(readFileSync(join(folder, 'haproxy.pid'), 'utf8'))
      const workers = readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ').map(Number)
      const all = [master, ...workers]
      for (const pid of all) process.kill(pid, 'SIGKILL')
      while (all.some(lives)) await sleep(10)
      // Its sockets are closed a moment after its memory.
      while (await takesConnections(443)) await sleep(10)
    },
    async occupy(listen) {
      const [, host = '', port] = /^(.*):(\d+)$/.exec(listen) ?? []
      const other = createServer((socket) => socket.destroy())
      await new Promise<void>((resolve) => other.listen(Number(port), host, resolve))
      return { [Symbol.asyncDispose]: () => new Promise((resolve) => other.close(() => resolve())) }
    },
  }
  edgeContract('haproxy', () => world)
  edgeTroubleContract('haproxy', () => world)
}

const takesConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket
      .once('error', () => resolve(false))
      .once('connect', () => {
        socket.destroy()
        resolve(true)
      })
  })

/** One that has died, and waits to be buried, has no command line. */
function lives(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0
  } catch {
    return false
  }
}
