/** Images: root file systems as archives. What others packed becomes a tree with unshifted ids; a tree becomes an archive. */
import type { Readable } from 'node:stream'
import type { Init } from '../../api/guest.ts'

export interface ReadLimits {
  /** Of all files together, unpacked. */
  readonly bytes: number
  readonly files: number
}

export interface ImageOptions {
  readonly signal: AbortSignal
  /** The first of 65536 host ids that nothing else uses meanwhile. */
  readonly uidBase: number
}

/** What an archive says of itself. */
export interface ImageFacts {
  readonly format: 'croft' | 'rootfs' | 'incus' | 'oci' | 'docker'
  readonly init: Init
  readonly files: number
  readonly bytes: number
}

/** Goes along with an exported template, to be read back when it comes again. */
export interface ImageLabel {
  readonly init: Init
}

export interface Packing {
  /** A tar; it must be read to its end. */
  readonly output: Readable
  /** Rejects when what was written is not whole. */
  readonly ended: Promise<void>
}

export interface Images {
  readonly name: string
  /**
   * Fills the empty folder, which is the root of its own subvolume, with what the archive holds. TEMPLATE_UNSAFE for what
   * no template may hold or what is no archive, CANCELLED when the signal aborts. After a failure the folder holds
   * anything; processes are gone.
   */
  unpack(
    archive: string,
    targetDir: string,
    options: ImageOptions & { readonly limits: ReadLimits },
  ): Promise<ImageFacts>
  /** The folder is changed on the way: give it a copy. CANCELLED when the signal aborts. */
  pack(sourceDir: string, label: ImageLabel, options: ImageOptions): Promise<Packing>
  /** Takes away what work of a daemon that died has left. To be called when nothing is at work. */
  sweep(): Promise<void>
}
