/** One line from the terminal that is not shown: a token, a password. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { standardStream } from '../io.ts'

export function askHidden(question: string): Promise<string | undefined> {
  const stderr = standardStream(2)
  stderr.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  return new Promise((resolve) => {
    lines.once('close', () => {
      stderr.write('\n')
      resolve(undefined)
    })
    lines.once('line', (line) => {
      resolve(line)
      lines.close()
    })
  })
}
