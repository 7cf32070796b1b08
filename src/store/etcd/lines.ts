import type { Readable } from 'node:stream'

export async function textOf(response: Readable): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of response) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}

/** One JSON value a line, as the gateway streams them. Who reads slowly is sent no more meanwhile. */
export async function* jsonLines(response: Readable): AsyncGenerator<unknown, void, void> {
  let begun: Buffer[] = []
  for await (const piece of response as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      const line = Buffer.concat([...begun, piece.subarray(from, end)]).toString('utf8')
      begun = []
      from = end + 1
      if (line.trim() !== '') yield JSON.parse(line) as unknown
    }
    if (from < piece.length) begun.push(piece.subarray(from))
  }
}
