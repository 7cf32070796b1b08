/** dnsmasq, once for each view. Files say what it knows, and it follows them by itself (docs/design/names.md). */
import { Resolver } from 'node:dns/promises'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { CroftError, toCroftError } from '../../../api/errors.ts'
import { gateway4 } from '../../../plan/addresses.ts'
import type { Runner } from '../../exec/command.ts'
import { checkZone } from '../check.ts'
import { type Names, type View, views, type Zone } from '../driver.ts'
import { hostsFile, layoutOf, portOf, serve, serverConfig, unitCommand } from './config.ts'

export interface DnsmasqOptions {
  readonly run: Runner
  readonly folder: string
  /** The resolv.conf with the servers to ask for what is not ours; asked at every publishing. */
  readonly upstream: () => Promise<string>
  /** A systemd that knows our unit runs the servers; otherwise they are processes of their own. */
  readonly unit?: boolean
}

const patienceMs = 5_000
const lookEveryMs = 10

export function createDnsmasq({ run, folder, upstream, unit = false }: DnsmasqOptions): Names {
  const layout = layoutOf(folder)
  let marks: ReadonlyMap<View, readonly string[]> = new Map()
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  async function publish(zone: Zone): Promise<void> {
    checkZone(zone)
    await mkdir(layout.hosts, { recursive: true })
    // They run as a user of their own, who reads the zone and nothing else here.
    await chmod(layout.folder, 0o711)
    await chmod(layout.hosts, 0o755)
    const hosts = hostsFile(zone)
    await replace(layout.zone, hosts.text, { mode: 0o644, aside: `${folder}/zone.new` })
    const asked = await upstream()
    const next = new Map<View, readonly string[]>()
    for (const view of views) {
      const config = serverConfig(view, zone, { layout, upstream: asked })
      await replace(layout.config(view), config.text, { mode: 0o600, aside: `${layout.config(view)}.new` })
      next.set(view, [config.mark, hosts.mark])
      if (!(await knows(view, config.mark))) await restart(view)
    }
    marks = next
    for (const view of views) await settled(view)
  }

  /** Files are followed within milliseconds; a server that missed the change is started anew. */
  async function settled(view: View): Promise<void> {
    if ((await comes(view)) || (await restart(view).then(() => comes(view)))) return
    throw new CroftError('FAILED', `the name server does not answer at ${gateway4}:${portOf(view)}`, {
      hint: 'croft doctor',
    })
  }

  async function comes(view: View): Promise<boolean> {
    const until = performance.now() + patienceMs
    while (!(await inForce(view))) {
      if (performance.now() > until) return false
      await sleep(lookEveryMs)
    }
    return true
  }

  const inForce = async (view: View): Promise<boolean> => {
    const expected = marks.get(view) ?? []
    return expected.length > 0 && (await Promise.all(expected.map((mark) => knows(view, mark)))).every(Boolean)
  }

  async function restart(view: View): Promise<void> {
    await halt(view)
    try {
      await run.run(unit ? unitCommand('start', view) : serve(layout.config(view)))
    } catch (thrown) {
      const { code, message } = toCroftError(thrown)
      throw new CroftError(code, message, { hint: `ss -lnp 'sport = ${portOf(view)}'`, cause: thrown })
    }
  }

  /** Also one that was begun before there was a unit. */
  async function halt(view: View): Promise<void> {
    if (unit) await run.run(unitCommand('stop', view))
    await end(view)
  }

  /** Ours alone: a pid of an earlier life may be anybody's now. */
  async function end(view: View): Promise<void> {
    const until = performance.now() + patienceMs
    for (let pid = await running(view); pid !== undefined; pid = await running(view)) {
      process.kill(pid, performance.now() > until ? 'SIGKILL' : 'SIGTERM')
      await sleep(lookEveryMs)
    }
  }

  async function running(view: View): Promise<number | undefined> {
    const pid = Number(await readFile(layout.pidFile(view), 'utf8').catch(() => ''))
    if (!Number.isInteger(pid) || pid < 2) return undefined
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    return words.includes(`--conf-file=${layout.config(view)}`) ? pid : undefined
  }

  return {
    name: 'dnsmasq',
    publish: (zone) => inTurn(() => publish(zone)),
    silent: () =>
      inTurn(async () => {
        const answers = await Promise.all(views.map(inForce))
        return views.filter((_, index) => !answers[index])
      }),
    stop: () =>
      inTurn(async () => {
        for (const view of views) await halt(view)
      }),
  }
}

async function knows(view: View, mark: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: 500, tries: 2 })
  resolver.setServers([`${gateway4}:${portOf(view)}`])
  return resolver.resolve4(mark).then(
    () => true,
    () => false,
  )
}

/** The old file or the new one, whole; nothing is written when it says so already. */
async function replace(file: string, text: string, by: { mode: number; aside: string }): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return
  await writeFile(by.aside, text)
  await chmod(by.aside, by.mode)
  await rename(by.aside, file)
}
