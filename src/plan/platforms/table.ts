/** Name → platform, and which of them some code is. */
import type { PlatformName } from '../../api/app.ts'
import { plain } from './plain.ts'
import type { Detected, Platform, Read } from './platform.ts'
import { staticFiles } from './static.ts'

export type { Detected, Platform } from './platform.ts'

export const platforms = {
  static: staticFiles,
  plain,
} as Readonly<Record<PlatformName, Platform>>

/** The first that recognises it: what runs a server of its own goes before what only holds files. */
const order: readonly PlatformName[] = ['plain', 'static']

export function detectPlatform(files: readonly string[], read: Read): Detected | undefined {
  for (const name of order) {
    const detected = platforms[name].detect(files, read)
    if (detected) return detected
  }
  return undefined
}
