/** The programs that croft's commands name, and how old they may be. */
import type { Finding } from '../../api/resources.ts'
import { ok, red, type Theme } from './finding.ts'
import type { Look } from './look.ts'

interface Tool {
  readonly program: string
  /** Debian's package. */
  readonly package: string
  /** How it tells its version; absent when it has none, or takes a quarter of a second to tell. */
  readonly ask?: readonly string[]
  readonly leastMajor?: number
  readonly why: string
}

export const tools: readonly Tool[] = [
  { program: 'lxc-start', package: 'lxc', ask: ['--version'], leastMajor: 5, why: 'runs guests' },
  { program: 'lxc-attach', package: 'lxc', why: 'enters guests' },
  { program: 'btrfs', package: 'btrfs-progs', ask: ['--version'], why: 'keeps the disks' },
  { program: 'mkfs.btrfs', package: 'btrfs-progs', why: 'makes pools' },
  { program: 'nft', package: 'nftables', ask: ['--version'], why: 'is the firewall' },
  { program: 'dnsmasq', package: 'dnsmasq-base', ask: ['--version'], why: 'answers for names' },
  { program: 'haproxy', package: 'haproxy', ask: ['-v'], why: 'is the HTTPS front' },
  { program: 'ip', package: 'iproute2', ask: ['-V'], why: 'makes links and routes' },
  { program: 'mmdebstrap', package: 'mmdebstrap', why: 'builds templates' },
  { program: 'busybox', package: 'busybox-static', why: 'reads and writes the files of stopped guests' },
  { program: 'sqfs2tar', package: 'squashfs-tools-ng', why: 'reads images that are a squashfs' },
  { program: 'openssl', package: 'openssl', why: 'makes certificates' },
  { program: 'newuidmap', package: 'uidmap', why: 'gives guests their ids' },
]

export interface FoundTool {
  readonly tool: Tool
  readonly there: boolean
  /** The first line of what it says of itself. */
  readonly said?: string
}

export const programs: Theme = { name: 'tools', examine: async (look) => judgeTools(await readTools(look)) }

export function judgeTools(found: readonly FoundTool[]): Finding[] {
  const missing = found.filter(({ there }) => !there)
  const old = found.filter(
    ({ tool, there, said }) => there && tool.leastMajor !== undefined && majorOf(said) < tool.leastMajor,
  )
  if (missing.length + old.length === 0)
    return [
      ok(
        'tools',
        found
          .flatMap(({ tool, said }) => (said === undefined ? [] : [`${tool.program} ${versionIn(said)}`]))
          .join(', '),
      ),
    ]
  return [
    ...missing.map(({ tool }) =>
      red('tools', `${tool.program} is not installed; it ${tool.why}`, `apt-get install ${tool.package}`),
    ),
    ...old.map(({ tool, said }) =>
      red(
        'tools',
        `${tool.program} is ${versionIn(said ?? '')}, croft needs ${tool.leastMajor} or newer`,
        `apt-get install ${tool.package} from a newer release`,
      ),
    ),
  ]
}

export async function readTools(look: Look): Promise<FoundTool[]> {
  return Promise.all(
    tools.map(async (tool): Promise<FoundTool> => {
      if ((await look.program(tool.program)) === undefined) return { tool, there: false }
      if (tool.ask === undefined) return { tool, there: true }
      const { stdout, stderr } = await look.run.outcome({ file: tool.program, args: tool.ask, timeoutMs: 20_000 })
      return { tool, there: true, said: `${stdout}${stderr}`.split('\n')[0] ?? '' }
    }),
  )
}

const versionIn = (said: string): string => /\d+(\.\d+)+/.exec(said)?.[0] ?? (said.trim() || 'of unknown version')
const majorOf = (said = ''): number => Number(/\d+/.exec(said)?.[0] ?? 0)
