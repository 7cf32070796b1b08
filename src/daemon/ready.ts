/** Tells systemd, when it is systemd that started us, that requests are answered from now on. */
import type { Runner } from '../drivers/exec/command.ts'

export async function sayReady(run: Runner, { NOTIFY_SOCKET }: NodeJS.ProcessEnv): Promise<void> {
  if (!NOTIFY_SOCKET) return
  await run.run({ file: 'systemd-notify', args: ['--ready'], env: { NOTIFY_SOCKET }, timeoutMs: 10_000 })
}
