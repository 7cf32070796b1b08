/**
 * A terminal of the kernel's, for a command that is run behind it. Both ends are opened here and close themselves in every
 * other child, so that lxc-attach has nothing to hand on but the end that it was given.
 */
import { spawn } from 'node:child_process'
import { constants, openSync, writeSync } from 'node:fs'
import { type Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { ReadStream } from 'node:tty'
import { CroftError } from '../../api/errors.ts'
import type { TerminalSize } from '../../api/frames.ts'
import { baseEnv } from './runner.ts'

export interface Terminal {
  /** What is printed on it. Owns our end. */
  readonly output: Readable
  /** What is typed on it. */
  readonly input: Writable
  /** The end of the command: to be given to it, and closed. */
  readonly fd: number
  resize(size: TerminalSize): Promise<void>
}

const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants
/** How often is tried to type on to somebody who does not read. */
const againMs = 20

export async function openTerminal(size: TerminalSize): Promise<Terminal> {
  const fd = openSync('/dev/ptmx', O_RDWR | O_NOCTTY | O_NONBLOCK)
  const output = new ReadStream(fd)
  try {
    const number = await setTerminal(fd, size)
    return {
      output,
      input: typist(fd, output),
      fd: openSync(`/dev/pts/${number}`, O_RDWR | O_NOCTTY),
      resize: oneAtATime(async (to: TerminalSize) => {
        if (!output.destroyed) await setTerminal(fd, to)
      }),
    }
  } catch (thrown) {
    output.destroy()
    throw thrown
  }
}

/** Node's own way of writing to such an end blocks, or spins, while nobody reads the other. */
function typist(fd: number, output: Readable): Writable {
  return new Writable({
    write(bytes: Buffer, _encoding, done) {
      const type = (rest: Buffer): void => {
        const left = rest.subarray(output.destroyed ? rest.length : typed(fd, rest))
        if (left.length === 0) done()
        else setTimeout(type, againMs, left)
      }
      type(bytes)
    },
  })
}

function typed(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EAGAIN') return 0
    // The other end is closed: why, the exit of the command says.
    return bytes.length
  }
}

/**
 * Node makes none of these calls, and perl is part of every Debian (numbers: asm-generic/ioctls.h). The other end is unlocked;
 * it passes bytes on as they are, for the terminal inside has modes of its own; it gets its size. Not as perl's stdin:
 * Node would make our end wait then.
 */
const program = `open(my $end, "+<&=", 3) or die;
my ($locked, $modes, $size, $number) = (pack("i", 0), pack("x60"), pack("S4", @ARGV, 0, 0), pack("I", 0));
ioctl($end, 0x40045431, $locked) or die "TIOCSPTLCK: $!";
ioctl($end, 0x5401, $modes) or die "TCGETS: $!";
my (undef, undef, $line, undef, $keys) = unpack("I4 a*", $modes);
ioctl($end, 0x5402, my $raw = pack("I4 a*", 0, 0, $line, 0, $keys)) or die "TCSETS: $!";
ioctl($end, 0x5414, $size) or die "TIOCSWINSZ: $!";
ioctl($end, 0x80045430, $number) or die "TIOCGPTN: $!";
print unpack("I", $number)`

async function setTerminal(fd: number, { columns, rows }: TerminalSize): Promise<number> {
  const child = spawn('perl', ['-e', program, '--', String(rows), String(columns)], {
    stdio: ['ignore', 'pipe', 'ignore', fd],
    env: baseEnv,
    cwd: '/',
  })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  const said = await Promise.race([text(child.stdout as Readable), failed]).catch((cause) => {
    throw new CroftError('COMMAND_MISSING', 'perl is not installed: there are no terminals', { cause })
  })
  if (/^\d+$/.test(said)) return Number(said)
  throw new CroftError('FAILED', 'this host makes no terminal', { hint: 'croft doctor' })
}

/** Of what is asked meanwhile only the last is done. */
function oneAtATime<T>(act: (value: T) => Promise<void>): (value: T) => Promise<void> {
  let running: Promise<void> | undefined
  let next: { readonly value: T } | undefined
  async function run(): Promise<void> {
    for (let turn = next; turn; turn = next) {
      next = undefined
      await act(turn.value)
    }
  }
  return (value) => {
    next = { value }
    running ??= run().finally(() => {
      running = undefined
    })
    return running
  }
}
