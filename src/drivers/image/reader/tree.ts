/**
 * What has been taken into the tree so far, and what may come beside it. Layers come from the top down: what an upper one
 * has, or took away, hides what lies below. Nothing here touches a disk.
 */
import type { ReadLimits } from '../driver.ts'
import { Refused, shown } from './refused.ts'
import type { EntryKind, TarEntry } from './tar.ts'

interface Known {
  /** `implied`: something lies below it, itself it has not come yet. */
  kind: EntryKind | 'implied'
  layer: number
}

const maxDepth = 100
const maxNameBytes = 64 * 1024 ** 2

export class Tree {
  private readonly known = new Map<string, Known>()
  private readonly limits: ReadLimits
  private layer = 0
  private gone = new Set<string>()
  private opaque = new Set<string>()
  private readonly goneHere = new Set<string>()
  private readonly opaqueHere = new Set<string>()
  private nameBytes = 0
  files = 0
  bytes = 0

  constructor(limits: ReadLimits) {
    this.limits = limits
  }

  /** True when the entry belongs into the tree; false when an upper layer hides it. Its path is a clean one. */
  take(entry: TarEntry): boolean {
    this.count(entry)
    const parts = entry.path.split('/')
    if (parts.length > maxDepth) throw new Refused(`${shown(entry.path)} lies more than ${maxDepth} folders deep`)
    const hidden = this.isHidden(entry, parts)
    if (hidden) return false
    for (let depth = 1; depth < parts.length; depth++) this.imply(parts.slice(0, depth).join('/'), entry.path)
    this.known.set(entry.path, { kind: entry.kind, layer: this.layer })
    return true
  }

  /** `.wh.NAME` in a layer: NAME of the layers below is not there. */
  whiteOut(path: string): void {
    this.goneHere.add(path)
  }

  /** `.wh..wh..opq`: nothing of the layers below is in this folder. */
  makeOpaque(folder: string): void {
    this.opaqueHere.add(folder)
  }

  nextLayer(): void {
    this.layer += 1
    this.gone = this.gone.union(this.goneHere)
    this.opaque = this.opaque.union(this.opaqueHere)
    this.goneHere.clear()
    this.opaqueHere.clear()
  }

  kindOf(path: string): EntryKind | 'implied' | undefined {
    return this.known.get(path)?.kind
  }

  private count({ path, size }: TarEntry): void {
    this.files += 1
    this.bytes += size
    this.nameBytes += path.length
    if (this.files > this.limits.files) throw new Refused(`the archive holds more than ${this.limits.files} files`)
    if (this.bytes > this.limits.bytes) throw new Refused(`the archive unpacks to more than ${this.limits.bytes} bytes`)
    if (this.nameBytes > maxNameBytes) throw new Refused('the names in the archive are too long')
  }

  private isHidden({ path, kind }: TarEntry, parts: readonly string[]): boolean {
    if (this.opaque.has('') || this.gone.has(path)) return true
    for (let depth = 1; depth < parts.length; depth++) {
      const above = parts.slice(0, depth).join('/')
      if (this.gone.has(above) || this.opaque.has(above)) return true
      const known = this.known.get(above)
      if (!known || known.kind === 'dir' || known.kind === 'implied') continue
      if (known.layer < this.layer) return true
      throw new Refused(`${shown(path)} goes through ${shown(above)}, which is no folder`)
    }
    const same = this.known.get(path)
    if (!same) return false
    if (same.kind === 'implied' && kind === 'dir') return false
    if (same.layer < this.layer) return true
    throw new Refused(`${shown(path)} is there twice`)
  }

  private imply(folder: string, path: string): void {
    if (this.known.has(folder)) return
    this.known.set(folder, { kind: 'implied', layer: this.layer })
    this.nameBytes += path.length
  }
}
