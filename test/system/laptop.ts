/** A laptop on the farm's loopback that has logged in by TLS, and has no root there; with a terminal of its own. */
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import pty from '@lydell/node-pty'
import type { TestFarm } from './farm.ts'
import { inside } from './places.ts'

const entry = process.env.CROFT_ENTRY || new URL('../../src/cli/main.ts', import.meta.url).pathname

export interface Laptop {
  readonly env: Record<string, string>
  readonly home: string
  begin(...words: string[]): ChildProcessWithoutNullStreams
  onTerminal(...words: string[]): Terminal
}

export interface Terminal {
  readonly pid: number
  readonly said: () => string
  readonly exit: Promise<number>
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits until it was shown. */
  shows(what: RegExp): Promise<void>
}

export async function loginFrom(farm: TestFarm, name: string, ...words: string[]): Promise<Laptop> {
  const home = await mkdtemp(join(tmpdir(), 'croft-laptop-'))
  after(() => rm(home, { recursive: true, force: true }))
  const env = { HOME: home, CROFT_SOCKET: '', CROFT_STATE: '', TERM: 'xterm' }
  const word = (await farm.croftOk('token', 'add', name, '--login', '--address', '127.0.0.1', ...words)).trim()
  assert.equal((await farm.croftWith({ env }, 'login', word)).code, 0)
  const command = (words: string[]) => inside(farm.namespaces.host, { file: process.execPath, args: [entry, ...words] })
  const how = { env: { ...farm.env(), ...env }, cwd: '/' }
  return {
    env,
    home,
    begin(...words) {
      const { file, args } = command(words)
      return spawn(file, args, how)
    },
    onTerminal(...words) {
      const { file, args } = command(words)
      const terminal = pty.spawn(file, [...args], { ...how, cols: 91, rows: 31 })
      let said = ''
      terminal.onData((text) => {
        said = (said + text).slice(-100_000)
      })
      const exit = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)))
      return {
        exit,
        pid: terminal.pid,
        said: () => said,
        type: (text) => terminal.write(text),
        resize: (columns, rows) => terminal.resize(columns, rows),
        shows: (what) => farm.waitFor(() => what.test(said), 30_000, String(what)),
      }
    },
  }
}
