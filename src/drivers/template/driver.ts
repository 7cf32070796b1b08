/** Template builders: a source in, a root file system with unshifted ids out. Nothing of it ever runs as host root. */
export interface TemplateSource {
  /** `debian:12`, `ubuntu:24.04`, or by code name. */
  readonly from: string
  readonly packages: readonly string[]
  /** The last step, run inside the new root; `#!` is honoured, else the root's /bin/sh -e. */
  readonly script?: string
  readonly mirror?: string
}

export interface BuildOptions {
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
  /** The first of 65536 host ids that nothing else uses meanwhile: the build's own root. */
  readonly uidBase: number
}

export interface BuildResult {
  /** Bytes of all files as they are written, not as they lie on the disk. */
  readonly sizeBytes: number
  /** Over paths, modes, owners, sizes and link targets: tells trees apart, does not vouch for contents. */
  readonly sha256: string
  readonly facts: Readonly<Record<string, string | number>>
}

export interface TemplateBuilder {
  readonly name: string
  /** Throws BAD_VALUE for what it could never build; costs nothing. */
  check(source: TemplateSource): void
  /**
   * Fills the empty directory and checks what lies there. BUILD_FAILED with the last lines, TEMPLATE_UNSAFE, CANCELLED
   * when the signal aborts. After a failure the directory holds anything; processes, mounts and work files are gone.
   */
  build(source: TemplateSource, targetDir: string, options: BuildOptions): Promise<BuildResult>
  /** Ends the builds whose daemon died, and takes away their work files. To be called when no build runs. */
  sweep(): Promise<void>
}
