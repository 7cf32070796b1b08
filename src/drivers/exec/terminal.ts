/** A terminal of the kernel's, for what is run behind it. The native part is loaded by who needs one. */
import { createRequire } from 'node:module'
import { ReadStream } from 'node:tty'

export interface Terminal {
  /** Our end: what is printed is read here, what is typed is written here. */
  readonly stream: ReadStream
  /** The end of the command: to be given to it, and closed. */
  readonly fd: number
  resize(size: Size): void
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

interface Native {
  open(columns: number, rows: number): { readonly master: number; readonly slave: number }
  resize(fd: number, columns: number, rows: number): void
}

/**
 * Neither end closes itself in a child. A caller gives the command its end and closes ours of it before anything else is
 * started; ours is seen by tools of the host that start meanwhile, so nobody may wait for it to be closed.
 */
export function openTerminal({ columns, rows }: Size): Terminal {
  const native = createRequire(import.meta.url)(`@lydell/node-pty-linux-${process.arch}/pty.node`) as Native
  const { master, slave } = native.open(columns, rows)
  const stream = new ReadStream(master)
  return {
    stream,
    fd: slave,
    resize(size) {
      if (!stream.destroyed) native.resize(master, size.columns, size.rows)
    },
  }
}
