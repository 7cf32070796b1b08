/** HAProxy in a network namespace of its own: this file runs itself again there. Needs root. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHaproxy } from '../../src/drivers/edge/haproxy/index.ts'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { type EdgeWorld, edgeContract } from './edge.ts'
import { answering, ask, selfSigned } from './edge-world.ts'
import { isInside, runInside } from './namespace.ts'

const run = createRunner()
const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })

if (!isInside) runInside('haproxy', import.meta.url, 'e')
else {
  await run.run(ip('link', 'set', 'lo', 'up'))
  const folder = mkdtempSync('/var/tmp/cfe')
  const edge = createHaproxy({ run, folder: join(folder, 'edge') })
  const [one, two] = [await answering('one'), await answering('two')]
  after(async () => {
    await edge.stop()
    one.server.close()
    two.server.close()
    rmSync(folder, { recursive: true })
  })

  const world: EdgeWorld = {
    edge,
    servers: [one.here, two.here],
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
      const master = Number(readFileSync(join(folder, 'edge', 'haproxy.pid'), 'utf8'))
      const workers = readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ').map(Number)
      for (const pid of [master, ...workers]) process.kill(pid, 'SIGKILL')
      while (
        await ask('x', '/').then(
          () => true,
          () => false,
        )
      )
        await sleep(10)
    },
  }
  edgeContract('haproxy', () => world)
}
