/** Files with holes, as GNU tar writes them: in blocks of its own (S), or as pax 1.0. Where pieces lie comes before them. */
import type { Bytes } from './bytes.ts'
import { Refused, shown } from './refused.ts'

export interface Sparse {
  /** With its holes. */
  readonly size: number
  /** In order; between them are zeros. */
  readonly pieces: readonly Piece[]
}

interface Piece {
  readonly at: number
  readonly size: number
}

const blockBytes = 512
const pieceBytes = 24
const maxPieces = 100_000
const maxDigits = 15
const zeros = Buffer.alloc(256 * 1024)

/** `S`: four pieces in the header, further ones in blocks behind it. */
export async function readOldMap(head: Buffer, bytes: Bytes, path: string): Promise<Sparse> {
  const pieces = piecesIn(head.subarray(386, 386 + 4 * pieceBytes), path)
  for (let more = head[482] === 1; more; ) {
    const block = await bytes.read(blockBytes)
    pieces.push(...piecesIn(block.subarray(0, 21 * pieceBytes), path))
    if (pieces.length > maxPieces) throw damaged(path)
    more = block[504] === 1
  }
  return { size: octal(head.subarray(483, 495), path), pieces }
}

/** Pax 1.0: the map is numbers in lines before the content, in whole blocks. How much of what is stored it takes is told too. */
export async function readPaxMap(
  bytes: Bytes,
  { size, stored, path }: { readonly size: number; readonly stored: number; readonly path: string },
): Promise<Sparse & { readonly mapBytes: number }> {
  const numbers: number[] = []
  let mapBytes = 0
  for (let begun = ''; numbers.length < 1 + 2 * (numbers[0] ?? 1); ) {
    mapBytes += blockBytes
    if (mapBytes > stored || (numbers[0] ?? 0) > maxPieces) throw damaged(path)
    const lines = (begun + (await bytes.read(blockBytes)).toString('latin1')).split('\n')
    begun = lines.pop() ?? ''
    if (begun.length > maxDigits && !begun.startsWith('\0')) throw damaged(path)
    numbers.push(...lines.map((line) => decimal(line, path)))
  }
  const [count = 0, ...values] = numbers
  const pieces = Array.from({ length: count }, (_, index) => {
    return { at: values[2 * index] ?? 0, size: values[2 * index + 1] ?? 0 }
  })
  return { size, pieces, mapBytes }
}

/** Pieces follow one another, end within the file, and are all that is stored. */
export function assertMap({ size, pieces }: Sparse, stored: number, path: string): void {
  let end = 0
  let sum = 0
  for (const piece of pieces) {
    if (piece.at < end) throw damaged(path)
    end = piece.at + piece.size
    sum += piece.size
  }
  if (!Number.isSafeInteger(size) || end > size || sum !== stored) throw damaged(path)
}

/** The whole file. */
export async function* filled({ size, pieces }: Sparse, bytes: Bytes): AsyncGenerator<Buffer> {
  let at = 0
  for (const piece of pieces) {
    yield* hole(piece.at - at)
    yield* bytes.pieces(piece.size)
    at = piece.at + piece.size
  }
  yield* hole(size - at)
}

function* hole(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(left, zeros.length))
}

/** Up to the first that is empty; an end of the file alone counts as one. */
function piecesIn(block: Buffer, path: string): Piece[] {
  const pieces: Piece[] = []
  for (let from = 0; from < block.length && block[from] !== 0; from += pieceBytes)
    pieces.push({
      at: octal(block.subarray(from, from + 12), path),
      size: octal(block.subarray(from + 12, from + 24), path),
    })
  return pieces
}

function octal(field: Buffer, path: string): number {
  const text = field.toString('latin1').replace(/[\0 ][\s\S]*$/, '')
  if (!/^[0-7]{1,12}$/.test(text)) throw damaged(path)
  return Number.parseInt(text, 8)
}

function decimal(text: string, path: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw damaged(path)
}

const damaged = (path: string): Refused => new Refused(`${shown(path)} says of its holes what cannot be`)
