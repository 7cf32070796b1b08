/** A real ACME server (pebble), and a real name server whose records are told (pebble-challtestsrv), in somebody's network. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { issue } from '../../src/daemon/pki/openssl.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { validityFrom } from '../../src/plan/certificates.ts'

const run = createRunner()
const ports = { acme: 14_000, control: 15_000, names: 8053, records: 8055 } as const

export interface WorldOptions {
  /** Where both are reached; not loopback when others than this namespace ask. */
  readonly address: string
  /** Before each command: `nsenter …`. */
  readonly inside?: readonly string[]
}

export interface Pebble {
  /** Of the environment, like PEBBLE_WFE_NONCEREJECT. */
  readonly env?: Readonly<Record<string, string>>
}

/** Kinds of records, as the name server's own control knows them. */
interface Told {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly caa?: readonly { readonly tag: string; readonly value: string }[]
}

export async function createWorld(options: WorldOptions) {
  const { address, inside = [] } = options
  const folder = await mkdtemp('/var/tmp/cfw')
  await chmod(folder, 0o755)
  const children = new Set<ChildProcess>()
  const validity = validityFrom(Date.now(), 24 * 3600 * 1000)
  const make = (kind: 'ca' | 'host', signer?: string) =>
    issue(run, join(folder, 'work'), {
      ...{ kind, subject: 'test', names: kind === 'ca' ? [] : [address, 'localhost'], ...validity },
      ...(signer === undefined ? {} : { signer }),
    })
  const ca = await make('ca')
  const server = await make('host', `${ca.key}${ca.certificate}`)
  const roots = join(folder, 'roots.pem')
  await writeFile(roots, ca.certificate)
  await writeFile(join(folder, 'key.pem'), server.key)
  await writeFile(join(folder, 'cert.pem'), server.certificate)
  const config = {
    listenAddress: `${address}:${ports.acme}`,
    managementListenAddress: `${address}:${ports.control}`,
    certificate: join(folder, 'cert.pem'),
    privateKey: join(folder, 'key.pem'),
    ...{ httpPort: 80, tlsPort: 443, ocspResponderURL: '', externalAccountBindingRequired: false },
  }
  await writeFile(join(folder, 'pebble.json'), JSON.stringify({ pebble: config }))

  function start(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const [first = file, ...rest] = [...inside, file, ...args]
    const child = spawn(first, rest, {
      stdio: 'ignore',
      env: { PATH: '/usr/bin:/usr/sbin:/bin:/sbin', ...env },
      cwd: folder,
    })
    children.add(child)
    return child
  }

  async function stop(child: ChildProcess | undefined): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async function curl(...args: string[]): Promise<string> {
    const [file = 'curl', ...rest] = [
      ...inside,
      'curl',
      '--silent',
      '--fail',
      '--insecure',
      '--max-time',
      '10',
      ...args,
    ]
    return run.run({ file, args: rest, timeoutMs: 20_000 })
  }

  async function answers(url: string): Promise<void> {
    const until = performance.now() + 30_000
    for (;;) {
      const there = await curl(url).then(
        () => true,
        (thrown) => /exit (22|52|56)/.test(String(thrown)),
      )
      if (there) return
      assert.ok(performance.now() < until, `${url} does not answer`)
      await sleep(50)
    }
  }

  const control = `http://${address}:${ports.records}`
  const tell = (what: string, body: unknown) => curl('--data', JSON.stringify(body), `${control}/${what}`)
  let pebble: ChildProcess | undefined

  start('pebble-challtestsrv', [
    ...[
      '-defaultIPv4',
      '',
      '-defaultIPv6',
      '',
      '-dns01',
      `${address}:${ports.names}`,
      '-management',
      `${address}:${ports.records}`,
    ],
    ...['-http01', '', '-https01', '', '-tlsalpn01', ''],
  ])
  await answers(`${control}/`)

  return {
    roots,
    directory: `https://${address}:${ports.acme}/dir`,
    resolver: `${address}:${ports.names}`,
    /** What names a name has, from now on. */
    async name(host: string, { a = [], aaaa = [], caa }: Told): Promise<void> {
      await tell('clear-a', { host })
      await tell('clear-aaaa', { host })
      if (a.length > 0) await tell('add-a', { host, addresses: a })
      if (aaaa.length > 0) await tell('add-aaaa', { host, addresses: aaaa })
      if (caa) await tell('add-caa', { host, policies: caa })
    },
    txt: (host: string, value: string | undefined) =>
      value === undefined ? tell('clear-txt', { host: `${host}.` }) : tell('set-txt', { host: `${host}.`, value }),
    fails: (host: string, yes: boolean) => tell(yes ? 'set-servfail' : 'clear-servfail', { host }),
    async begin({ env = {} }: Pebble = {}): Promise<void> {
      await stop(pebble)
      const words = ['-config', join(folder, 'pebble.json'), '-dnsserver', `${address}:${ports.names}`]
      pebble = start('pebble', words, {
        PEBBLE_VA_NOSLEEP: '1',
        PEBBLE_WFE_NONCEREJECT: '0',
        PEBBLE_AUTHZREUSE: '0',
        ...env,
      })
      await answers(`https://${address}:${ports.acme}/dir`)
    },
    end: () => stop(pebble),
    /** Stands still, as a server that is too busy. */
    freeze: () => void pebble?.kill('SIGSTOP'),
    thaw: () => void pebble?.kill('SIGCONT'),
    /** The root of what it issues: another one at each start. */
    root: () => curl(`https://${address}:${ports.control}/roots/0`),
    async [Symbol.asyncDispose](): Promise<void> {
      for (const child of children) await stop(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
export type World = Awaited<ReturnType<typeof createWorld>>
