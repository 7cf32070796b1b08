/** etcd as a process: found by the folder that it works in, started, ended. */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDetached } from '../../exec/detached.ts'
import type { MemberWish } from '../driver.ts'
import { type Layout, memberCommand } from './commands.ts'

export interface MemberProcess {
  /** Undefined when none works in the folder. */
  find(): Promise<number | undefined>
  start(wish: MemberWish): Promise<void>
  stop(): Promise<void>
}

const graceMs = 10_000
const lookEveryMs = 30

export function createProcess(layout: Layout): MemberProcess {
  async function find(): Promise<number | undefined> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
    const is = await Promise.all(pids.map(isOurs))
    return pids.find((_, at) => is[at])
  }

  /** One that has ended and whose parent has not noticed has no words any more. */
  async function isOurs(pid: number): Promise<boolean> {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    return /(^|\/)etcd$/.test(words[0] ?? '') && words.includes(layout.data)
  }

  return {
    find,
    async start(wish) {
      startDetached(memberCommand(layout, wish), { stdout: layout.log, stderr: layout.log })
    },
    async stop() {
      const end = performance.now() + graceMs
      for (let pid = await find(); pid !== undefined; pid = await find()) {
        signal(pid, performance.now() > end ? 'SIGKILL' : 'SIGTERM')
        await sleep(lookEveryMs)
      }
    },
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself meanwhile.
  }
}
