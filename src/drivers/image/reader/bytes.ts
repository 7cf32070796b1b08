/** Bytes in order, from a file that can be passed over or from a stream that cannot. */
import { readSync } from 'node:fs'
import { Readable } from 'node:stream'
import { Refused } from './refused.ts'

export interface Bytes extends AsyncDisposable {
  /** Exactly so many; refuses when the end comes before. */
  read(count: number): Promise<Buffer>
  skip(count: number): Promise<void>
  /** So many, in pieces, for passing on. */
  pieces(count: number): AsyncGenerator<Buffer>
  atEnd(): Promise<boolean>
}

const pieceBytes = 256 * 1024
const truncated = (): Refused => new Refused('the archive is truncated')

export interface Range {
  readonly fd: number
  readonly from: number
  readonly to: number
}

export class FileBytes implements Bytes {
  private at: number
  private readonly range: Range

  constructor(range: Range) {
    this.range = range
    this.at = range.from
  }

  get position(): number {
    return this.at
  }

  async read(count: number): Promise<Buffer> {
    if (this.at + count > this.range.to) throw truncated()
    const buffer = Buffer.allocUnsafe(count)
    for (let done = 0; done < count; ) {
      const got = readSync(this.range.fd, buffer, done, count - done, this.at + done)
      if (got === 0) throw truncated()
      done += got
    }
    this.at += count
    return buffer
  }

  async skip(count: number): Promise<void> {
    if (this.at + count > this.range.to) throw truncated()
    this.at += count
  }

  async *pieces(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      const piece = await this.read(Math.min(left, pieceBytes))
      left -= piece.length
      yield piece
    }
  }

  async atEnd(): Promise<boolean> {
    return this.at >= this.range.to
  }

  /** The file is not its own. */
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Refuses what is larger than `maxBytes` when unpacked, before it is all there. */
export class StreamBytes implements Bytes {
  private readonly source: AsyncIterator<Buffer>
  private readonly maxBytes: number
  private held: Buffer = Buffer.alloc(0)
  private passed = 0

  constructor(source: AsyncIterable<Buffer>, maxBytes: number) {
    this.source = source[Symbol.asyncIterator]()
    this.maxBytes = maxBytes
  }

  private async more(): Promise<boolean> {
    const next = await this.source.next()
    if (next.done) return false
    this.passed += next.value.length
    if (this.passed > this.maxBytes) throw new Refused(`the archive unpacks to more than ${this.maxBytes} bytes`)
    this.held = this.held.length === 0 ? next.value : Buffer.concat([this.held, next.value])
    return true
  }

  async read(count: number): Promise<Buffer> {
    while (this.held.length < count) if (!(await this.more())) throw truncated()
    const taken = this.held.subarray(0, count)
    this.held = this.held.subarray(count)
    return taken
  }

  async skip(count: number): Promise<void> {
    for await (const _ of this.pieces(count));
  }

  async *pieces(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      if (this.held.length === 0 && !(await this.more())) throw truncated()
      const piece = this.held.subarray(0, left)
      this.held = this.held.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  async atEnd(): Promise<boolean> {
    return this.held.length === 0 && !(await this.more())
  }

  /** A program that still writes ends, for nobody reads it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.return?.()
  }
}

/** Not a stream of node:fs: that would close the file when it is left early. */
export const readRange = (range: Range): Readable =>
  Readable.from(new FileBytes(range).pieces(range.to - range.from), { objectMode: false })
