/** Runtime: the running of guests by number. Idempotent methods; "not there" is an answer, "could not tell" throws. */
import type { SeedFile } from '../../api/app.ts'
import type { Counted, Init, Limits } from '../../api/guest.ts'
import type { Mount } from '../../api/mount.ts'
import type { Command } from '../exec/command.ts'

/** All that is needed to write a guest's whole configuration. Values were checked; the driver checks again for control characters. */
export interface Definition {
  readonly number: number
  /** Another id is another identity: machine id and host keys are made anew. */
  readonly id: string
  readonly hostName: string
  readonly rootPath: string
  readonly uidBase: number
  readonly limits: Limits
  /** Instead of the root's own init. */
  readonly command?: Extract<Init, { readonly kind: 'command' }>
  /** Whether it may run containers of its own. */
  readonly nesting?: boolean
  /** `major:minor` of the disk that `limits.diskRate` is for. */
  readonly disk?: string
  readonly link: {
    readonly name: string
    readonly ipv4: string
    readonly ipv6: string
    readonly mtu: number
    readonly mac: string
    /** Further addresses, of both families. */
    readonly more: readonly string[]
  }
  /** Folders of this host. */
  readonly mounts?: readonly Mount[]
  /** Folders of croft's own on this host, which hold lasting data. */
  readonly volumes?: readonly { readonly source: string; readonly target: string }[]
  /** Put into the guest by the start hook, in the guest's own namespaces. */
  readonly files: { readonly hosts: string; readonly resolv: string; readonly keys: string }
}

export interface Observed {
  readonly number: number
  readonly state: 'stopped' | 'starting' | 'running' | 'frozen' | 'stopping'
  /** The guest's init on the host, when it lives. */
  readonly pid?: number
  readonly startedAt?: string
  /** Hash of the definition it was last given; the plan compares it. */
  readonly definition?: string
}

export interface AttachOptions {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Root when absent. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** PEM: the certificate and those that lead to its root, and the private key. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** The disk of a guest that does not run. */
export interface Disk {
  readonly number: number
  readonly rootPath: string
  readonly uidBase: number
  /** Another one for each command: several may work on one disk. */
  readonly id: string
}

export interface Runtime {
  readonly name: string
  /** Everything that is defined or runs, whether a record knows it or not. */
  list(): Promise<readonly Observed[]>
  observe(number: number): Promise<Observed | undefined>
  hash(definition: Definition): string
  define(definition: Definition): Promise<void>
  /** Throws REFUSED or NOT_FOUND when this host does not bind that folder into guests now; `start` looks again. */
  checkMount(mount: Mount): Promise<void>
  /** Returns when its init runs. START_FAILED with the last lines of its log. Starting what runs is fine. */
  start(number: number, signal?: AbortSignal): Promise<void>
  /**
   * Puts these into its /dev/.croft/tls, at once and without a restart, for its root alone to read and for nobody in it to
   * write; undefined takes them away. Nothing happens to a guest that is not defined here. `uidBase` is that of its definition.
   */
  lend(guest: Pick<Definition, 'number' | 'uidBase'>, pair: KeyPair | undefined): Promise<void>
  /** Asks init to shut down and returns at once; `undefined` answers and stopped guests are fine. */
  askToStop(number: number): Promise<void>
  /** Kills all its processes; returns when none is left. */
  kill(number: number): Promise<void>
  freeze(number: number): Promise<void>
  unfreeze(number: number): Promise<void>
  /** Live, as far as the kernel allows; the definition carries them for the next start. */
  setLimits(number: number, limits: Limits, disk?: string): Promise<void>
  usage(number: number): Promise<Counted | undefined>
  /** Another text than before once a process that its init looks after has ended. Costs no process; undefined when it does not run, or cannot tell. */
  pulse(number: number): Promise<string | undefined>
  /** Takes away configuration, logs, cgroups and left-over monitors of a stopped guest. */
  remove(number: number): Promise<void>
  /** Takes away what dead guests left in the kernel's trees: for numbers that are neither defined nor running. */
  tidy(): Promise<void>
  /** A command value that runs words inside; for root on this host. */
  attach(number: number, options: AttachOptions): Command
  /**
   * A command value that lacks its last words, those of a small tool (busybox has them all). It works as the guest's
   * root and with the guest's limits of power on nothing but that disk: no path and no link leads out of it.
   */
  onDisk(disk: Disk): Promise<Command>
  /**
   * Puts these on that disk, as root's, in place of what stands there. BAD_VALUE for a path that is none; START_FAILED when a
   * link or another thing of the disk's own is in the way: nothing is written through it.
   */
  plant(disk: Disk, files: readonly SeedFile[]): Promise<void>
  /** A command value that joins its console to our terminal until Ctrl-a q; for root on this host. */
  console(number: number): Command
  /** The last bytes of what its console printed, when asked so only since its last start. */
  consoleTail(number: number, maxBytes: number, sinceStart?: boolean): Promise<string>
  /**
   * Calls back once when the guest's monitor goes away; then look again. For some milliseconds it may still be seen, as
   * `starting`. Dispose to stop watching.
   */
  onExit(number: number, callback: () => void): Disposable
}
