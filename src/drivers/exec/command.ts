/** A command is a value: a file and words. No shell ever sees it. User values follow `--`; secrets go by stdin. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly timeoutMs: number
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** What a command did. `signal` when it was killed. Output is cut at `maxOutputBytes` of the runner, from the front. */
export interface Outcome {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  readonly timedOut: boolean
}

export interface RunOptions {
  readonly signal?: AbortSignal
  /** Called with each whole line of stdout and stderr as it comes. */
  readonly onLine?: (line: string) => void
}

export interface Runner {
  /** Runs to the end whatever the exit code; throws COMMAND_MISSING when the file is not there. */
  outcome(command: Command, options?: RunOptions): Promise<Outcome>
  /** Like `outcome`, but anything else than exit code 0 throws COMMAND_FAILED with the last lines of stderr. Returns stdout. */
  run(command: Command, options?: RunOptions): Promise<string>
}
