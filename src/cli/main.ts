import { systemIo } from './io.ts'
import { runCli } from './run.ts'

/** Its exit code, when all is said. */
export const ended: Promise<number> = runCli(process.argv.slice(2), systemIo())

ended.then((code) => {
  process.exitCode = code
})
