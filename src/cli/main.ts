import { systemIo } from './io.ts'
import { runCli } from './run.ts'

/** A reader that went away, like `head`, is no failure. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

runCli(process.argv.slice(2), systemIo()).then((code) => {
  process.exitCode = code
})
