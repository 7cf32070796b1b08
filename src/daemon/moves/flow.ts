/** Bytes on their way to another host: not faster than was said, and counted. */
import { Readable } from 'node:stream'
import { roughSize } from '../../plan/amount.ts'
import { type Env, pause } from '../env.ts'

export interface FlowOptions {
  /** Bytes in a second. */
  readonly rate?: number | undefined
  /** About once in a second. */
  readonly onProgress: (label: string) => void
  /** The next piece is there to be taken; then it was. */
  readonly onWait: () => void
  readonly onTaken: () => void
  readonly env: Env
}

/** A slow reader slows it down; nothing is held back but what is in its hands. */
export function flow(source: Readable, { rate, onProgress, onWait, onTaken, env }: FlowOptions): Readable {
  async function* all() {
    const began = env.monotonicMs()
    let bytes = 0
    let told = began
    for await (const chunk of source as AsyncIterable<Buffer>) {
      onWait()
      yield chunk
      onTaken()
      bytes += chunk.length
      const now = env.monotonicMs()
      if (now - told >= 1000) {
        told = now
        onProgress(`${roughSize(bytes)} sent, ${roughSize((bytes * 1000) / (now - began))}/s`)
      }
      const aheadMs = rate === undefined ? 0 : (bytes * 1000) / rate - (now - began)
      if (aheadMs > 1) await pause(env, Math.min(aheadMs, 1000))
    }
  }
  return Readable.from(all(), { objectMode: false })
}
