/** WireGuard outside the kernel: a process that outlives the daemon, found again by its words, ended by its id. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CroftError } from '../../../api/errors.ts'
import type { Command } from '../../exec/command.ts'
import type { Detached } from '../../exec/detached.ts'
import { lastLines } from '../../exec/runner.ts'
import { userspace } from './commands.ts'

export type Start = (command: Command, output: { stdout: string; stderr: string }) => Detached

const patienceMs = 15_000
const lookEveryMs = 20

/** Returns when it can be asked. */
export async function startUserspace(
  start: Start,
  { link, folder, answers }: { readonly link: string; readonly folder: string; answers(): Promise<boolean> },
): Promise<void> {
  await endUserspace(link)
  const log = join(folder, 'wireguard-go.log')
  const { ended } = start(userspace(link), { stdout: log, stderr: log })
  const until = performance.now() + patienceMs
  while (!(await answers())) {
    const end = ended()
    if (end !== undefined || performance.now() > until) throw await failed(log, end ?? 'does not answer')
    await sleep(lookEveryMs)
  }
}

async function failed(log: string, end: string): Promise<CroftError> {
  const said = lastLines(await readFile(log, 'utf8').catch(() => ''), 3)
  const missing = end.includes('ENOENT')
  const what = missing
    ? 'this kernel has no WireGuard, and wireguard-go is not installed'
    : `wireguard-go ${end}\n${said}`
  return new CroftError(missing ? 'COMMAND_MISSING' : 'FAILED', what.trim(), {
    hint: missing ? 'apt install wireguard-go' : 'croft network check',
  })
}

/** Its link goes with it. */
export async function endUserspace(link: string): Promise<void> {
  const until = performance.now() + patienceMs
  for (let pids = await ours(link); pids.length > 0; pids = await ours(link)) {
    for (const pid of pids) end(pid, performance.now() > until - patienceMs / 2 ? 'SIGKILL' : 'SIGTERM')
    if (performance.now() > until) throw new CroftError('FAILED', `wireguard-go of ${link} does not end`)
    await sleep(lookEveryMs)
  }
}

async function ours(link: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const is = await Promise.all(pids.map((pid) => isOurs(pid, link)))
  return pids.filter((_, index) => is[index])
}

async function isOurs(pid: number, link: string): Promise<boolean> {
  const [program = '', ...words] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  return /(^|\/)wireguard-go$/.test(program) && words[0] === '-f' && words[1] === link
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself meanwhile.
  }
}
