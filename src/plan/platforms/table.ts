/** Name → platform, which of them some code is, and the croft.toml of what was found. */
import type { AppConfig, PlatformName } from '../../api/app.ts'
import { tomlOf } from '../config/write.ts'
import { java } from './java.ts'
import { jetty } from './jetty.ts'
import { node } from './node.ts'
import { php } from './php.ts'
import { plain } from './plain.ts'
import type { Detected, Platform, Read } from './platform.ts'
import { python } from './python.ts'
import { staticFiles } from './static.ts'

export type { Detected, Platform } from './platform.ts'

export const platforms: Readonly<Record<PlatformName, Platform>> = {
  static: staticFiles,
  node,
  php,
  python,
  java,
  jetty,
  plain,
}

/** The first that recognises it: what runs a server of its own goes before what only holds files. */
const order: readonly PlatformName[] = ['plain', 'php', 'python', 'node', 'jetty', 'java', 'static']

/** Files whose text is looked at: few, and at the top. */
export const isTelling = (path: string): boolean =>
  /^(Procfile|package\.json|composer\.json|pom\.xml|(wsgi|app|main|application|server)\.py)$/.test(path)

export function detectPlatform(files: readonly string[], read: Read): Detected | undefined {
  for (const name of order) {
    const detected = platforms[name].detect(files, read)
    if (detected) return detected
  }
  return undefined
}

/** croft.toml for what was recognised, with what was assumed behind each value. */
export function writeToml({ config, found, assumed }: Detected, name: string): string {
  const named: AppConfig = { ...config, app: { name, ...config.app } }
  return tomlOf(named, assumed, [
    `Written by croft deploy, from ${found.join(', ')}. It is yours to change: croft help toml`,
  ])
}
