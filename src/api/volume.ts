/** Lasting data of sites, and caches of builds, as they are shown. */
export interface Volume {
  /** `shop/prod:uploads`; of a build `shop/build:cache`. */
  readonly name: string
  readonly id: string
  readonly site: string
  readonly host: string
  /** `idle`: no guest has it now. `orphan`: no guest has it, and nothing that is deployed asks for it. */
  readonly state: 'used' | 'idle' | 'orphan' | 'removing'
  readonly sizeBytes: number
  /** Null where this host cannot look. */
  readonly usedBytes: number | null
  readonly created: string
  /** Who has it. */
  readonly guests: readonly string[]
}
