import type { AppConfig } from '../../api/app.ts'
import type { Detected, Platform, Read } from './platform.ts'

export const node: Platform = {
  defaults: {
    app: { platform: 'node' },
    build: { packages: ['nodejs', 'ca-certificates'] },
    env: { NODE_ENV: 'production', PORT: '${daemon.web.port}' },
    daemon: { web: { command: 'node .', port: 3000, health: { kind: 'tcp' } } },
  },
  detect(files, read) {
    if (!files.includes('package.json')) return undefined
    const about = packageFile(read)
    const start = startOf(about, files)
    if (start === undefined) return undefined
    return { ...build(about, files, start), platform: 'node', found: foundIn(about, files) }
  },
}

interface PackageFile {
  readonly main?: string
  readonly scripts: Readonly<Record<string, unknown>>
  readonly hasPackages: boolean
}

function packageFile(read: Read): PackageFile {
  const said = asTable(parsed(read('package.json') ?? ''))
  const packages = [said.dependencies, said.devDependencies].flatMap((each) => Object.keys(asTable(each)))
  return {
    ...(typeof said.main === 'string' ? { main: said.main } : {}),
    scripts: asTable(said.scripts),
    hasPackages: packages.length > 0,
  }
}
const asTable = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `node X` runs as it is, so that it hears the signal to end; anything else through npm. */
function startOf({ main, scripts }: PackageFile, files: readonly string[]): string | undefined {
  if (typeof scripts.start === 'string') return /^node [\w./ -]+$/.test(scripts.start) ? scripts.start : 'npm start'
  const file = [main, 'server.js', 'index.js', 'app.js', 'main.js'].find(
    (name) => name !== undefined && files.includes(name),
  )
  return file === undefined || !/^[\w./-]+$/.test(file) ? undefined : `node ${file}`
}

function build(
  { scripts, hasPackages }: PackageFile,
  files: readonly string[],
  start: string,
): Pick<Detected, 'config' | 'assumed'> {
  const builds = typeof scripts.build === 'string'
  const needsNpm = hasPackages || builds || start.startsWith('npm')
  const commands = [
    ...(hasPackages ? [files.includes('package-lock.json') ? 'npm ci' : 'npm install'] : []),
    ...(builds ? ['npm run build'] : []),
    ...(builds && hasPackages ? ['npm prune --omit=dev'] : []),
  ]
  const config: AppConfig = {
    app: { platform: 'node' },
    ...(needsNpm ? { build: { packages: ['...', 'npm'], ...(commands.length > 0 ? { commands } : {}) } } : {}),
    daemon: { web: { command: start, port: 3000, health: { kind: 'tcp' } } },
  }
  return {
    config,
    assumed: { 'daemon.web.port': 'the program reads PORT', 'daemon.web.health': 'a path like "/up" says more' },
  }
}

const foundIn = ({ scripts }: PackageFile, files: readonly string[]): string[] => [
  typeof scripts.start === 'string' ? 'package.json with a start script' : 'package.json',
  ...files.filter((name) => name === 'package-lock.json'),
]
