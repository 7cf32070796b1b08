/** Looks again each second and repaints, until Ctrl-C. Only on a terminal. */
import type { Answer } from './answer.ts'
import type { Context } from './context.ts'
import type { Rendered } from './render/index.ts'

const everyMs = 1000

export async function watch(
  context: Context,
  look: () => Promise<Answer>,
  draw: (answer: Answer) => Rendered,
): Promise<number> {
  const { io } = context
  const controller = new AbortController()
  using _ = io.onInterrupt(() => controller.abort())
  let exit = 0
  while (!controller.signal.aborted) {
    const answer = await look()
    const { out, err } = draw(answer)
    exit = answer.exit ?? 0
    const text = (out + err).replaceAll('\n', '\u001b[K\n')
    io.stdout.write(`\u001b[H${text}\u001b[J`)
    await io.sleep(everyMs, controller.signal)
  }
  return exit
}
