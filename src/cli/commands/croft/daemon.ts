import { type Answer, silent } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { closeInherited } from '../../process/inherited.ts'

/** Returns when the daemon was asked to end. */
export async function run(_context: Context): Promise<Answer> {
  closeInherited()
  restartWithSmallHeap()
  const { runDaemon } = await import('../../../daemon/main.ts')
  await runDaemon()
  return silent()
}

/** Node's default young generation is sized for throughput; a daemon that mostly waits is better small. */
const heapFlag = '--max-semi-space-size=2'

/** The same process goes on with the flag: its pid and descriptors stay. */
function restartWithSmallHeap(): void {
  if (process.execArgv.includes(heapFlag) || !process.execve) return
  const entry = process.argv[1] ?? ''
  process.execve(process.execPath, [process.execPath, ...process.execArgv, heapFlag, entry, 'daemon'], process.env)
}
