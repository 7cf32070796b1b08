/** Bytes on their way to another host: not faster than was said, and counted. */
import { Readable } from 'node:stream'
import { roughSize } from '../../plan/amount.ts'
import { createPace, type Pace } from '../host/pace.ts'
import type { HostParts } from '../host/parts.ts'

export interface FlowOptions {
  /** Bytes in a second, of this one alone. */
  readonly rate?: number | undefined
  /** About once in a second. */
  readonly onProgress?: (label: string) => void
  /** The next piece is there to be taken; then it was. */
  readonly onWait?: () => void
  readonly onTaken?: () => void
}

/** A slow reader slows it down; nothing is held back but what is in its hands. */
export function flow({ env, pace }: Pick<HostParts, 'env' | 'pace'>, source: Readable, options: FlowOptions): Readable {
  const { rate, onProgress, onWait, onTaken } = options
  const paces = [createPace(env, async () => rate), pace]
  async function* all() {
    const began = env.monotonicMs()
    let bytes = 0
    let told = began
    for await (const piece of paced(source, paces)) {
      onWait?.()
      yield piece
      onTaken?.()
      bytes += piece.length
      const now = env.monotonicMs()
      if (now - told < 1000) continue
      told = now
      onProgress?.(`${roughSize(bytes)} sent, ${roughSize((bytes * 1000) / (now - began))}/s`)
    }
  }
  return Readable.from(all(), { objectMode: false })
}

async function* paced(source: Readable, paces: readonly Pace[]): AsyncGenerator<Buffer> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    let left = chunk
    while (left.length > 0) {
      let bytes = left.length
      for (const pace of paces) bytes = await pace(bytes)
      yield left.subarray(0, bytes)
      left = left.subarray(bytes)
    }
  }
}
