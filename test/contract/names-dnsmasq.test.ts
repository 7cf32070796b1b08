/** dnsmasq in a network namespace of its own: this file runs itself again there. Needs root. */
import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command, Runner } from '../../src/drivers/exec/command.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { portOf, serve } from '../../src/drivers/names/dnsmasq/config.ts'
import { createDnsmasq } from '../../src/drivers/names/dnsmasq/index.ts'
import type { View } from '../../src/drivers/names/driver.ts'
import { namesContract, web, zone } from './names.ts'
import { isInside, runInside } from './namespace.ts'

const run = createRunner()
const ip = (...args: string[]): Command => ({ file: 'ip', args, timeoutMs: 10_000 })

if (!isInside) runInside('dnsmasq', import.meta.url, 'd')
else {
  const folder = mkdtempSync('/var/tmp/cfd')
  chmodSync(folder, 0o711)
  const [upstream, asked] = [join(folder, 'resolv.conf'), join(folder, 'asked.log')]
  writeFileSync(upstream, 'nameserver 169.254.0.1\nnameserver 127.0.0.5\n')
  const names = createDnsmasq({ run, folder: join(folder, 'names'), upstream: async () => upstream })
  const pidOf = (file: string) => Number(readFileSync(file, 'utf8'))
  await run.run(ip('link', 'set', 'lo', 'up'))
  await run.run(ip('address', 'add', '169.254.0.1/32', 'dev', 'lo'))
  await run.run({ file: 'dnsmasq', args: otherServer(), timeoutMs: 10_000 })
  after(async () => {
    await names.stop()
    process.kill(pidOf(join(folder, 'other.pid')))
    rmSync(folder, { recursive: true })
  })

  /** It knows example.org, claims to know all of .internal, and keeps what it was asked. */
  function otherServer(): string[] {
    const known = ['--address=/example.org/203.0.113.80', '--ptr-record=9.100.51.198.in-addr.arpa,nine.example.org']
    const lies = ['--address=/internal/203.0.113.66', '--ptr-record=9.0.100.10.in-addr.arpa,liar.example.org']
    const at = ['--listen-address=127.0.0.5', '--bind-interfaces', '--no-resolv', '--no-hosts', '--conf-file=/dev/null']
    const kept = [`--pid-file=${join(folder, 'other.pid')}`, '--log-queries', `--log-facility=${asked}`, '--user=root']
    return [...known, ...lies, ...at, ...kept]
  }

  async function ask(view: View, question: string): Promise<string[] | undefined> {
    const resolver = new Resolver({ timeout: 2000, tries: 3 })
    resolver.setServers([`169.254.0.1:${portOf(view)}`])
    const answers = isIP(question)
      ? [resolver.reverse(question)]
      : [resolver.resolve4(question), resolver.resolve6(question)]
    const found = (await Promise.all(answers.map((answer) => answer.catch(() => [])))).flat()
    return found.length === 0 ? undefined : found
  }

  const pidFile = (view: View) => join(folder, 'names', `${view}.pid`)
  const isThere = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== ''
    } catch {
      return false
    }
  }

  async function kill(view: View): Promise<void> {
    const pid = pidOf(pidFile(view))
    process.kill(pid, 'SIGKILL')
    while (isThere(pid)) await sleep(5)
  }

  namesContract('dnsmasq', () => ({ names, ask, kill }))

  test('dnsmasq: nobody else is asked about .internal or about addresses of guests', async () => {
    await names.publish(zone(web))
    for (const question of [
      'nobody.meadow.internal',
      'x.other.internal',
      'internal',
      'a.internal',
      '10.100.3.4',
      'web',
    ])
      for (const view of ['open', 'closed'] as const) assert.equal(await ask(view, question), undefined, question)
    assert.notEqual(await ask('open', 'seen.example.org'), undefined)
    const log = readFileSync(asked, 'utf8')
    assert.match(log, /query\[A\] seen\.example\.org/)
    assert.doesNotMatch(log, /internal|100\.10\.in-addr|\] web /)
  })

  test('dnsmasq: a process that bears the number of a dead server is left alone', async () => {
    await names.publish(zone(web))
    await kill('open')
    writeFileSync(pidFile('open'), `${process.pid}\n`)
    await names.publish(zone(web))
    assert.deepEqual(await names.silent(), [])
  })

  test('dnsmasq: it serves on while who started it is gone, and the next one takes it over as it is', async () => {
    await names.publish(zone(web))
    const pids = ['open', 'closed'].map((view) => pidOf(pidFile(view as View)))
    const next = createDnsmasq({ run, folder: join(folder, 'names'), upstream: async () => upstream })
    await next.publish(zone({ ...web, name: 'shop' }))
    assert.notEqual(await ask('open', 'shop.meadow.internal'), undefined)
    assert.deepEqual(
      ['open', 'closed'].map((view) => pidOf(pidFile(view as View))),
      pids,
    )
  })

  test('dnsmasq: where systemd knows the unit it runs the server, in place of one that was begun before', async () => {
    await names.publish(zone(web))
    const asked: string[] = []
    const systemd: Runner = {
      ...run,
      async run(command) {
        asked.push([command.file, ...command.args].join(' '))
        const [verb, view] = [command.args[0], /@(open|closed)\.service$/.exec(command.args[1] ?? '')?.[1]]
        if (verb === 'start') await run.run(serve(join(folder, 'names', `${view}.conf`)))
        return ''
      },
    }
    await kill('open')
    const options = { run: systemd, folder: join(folder, 'names'), upstream: async () => upstream, unit: true }
    await createDnsmasq(options).publish(zone(web))
    assert.deepEqual(asked, ['systemctl stop croft-names@open.service', 'systemctl start croft-names@open.service'])
    await createDnsmasq(options).stop()
    assert.equal(await ask('closed', 'web.meadow.internal'), undefined)
  })

  test('dnsmasq: it is not root, listens at the gateway alone, and a taken port is told of', async () => {
    await names.publish(zone(web))
    const { stdout } = await run.outcome({ file: 'ss', args: ['-Hlntu'], timeoutMs: 10_000 })
    assert.deepEqual([...new Set(stdout.match(/\S+:(53|5300)\b/g))].sort(), [
      '127.0.0.5:53',
      '169.254.0.1:53',
      '169.254.0.1:5300',
    ])
    assert.doesNotMatch(readFileSync(`/proc/${pidOf(pidFile('open'))}/status`, 'utf8'), /^Uid:\s+0\s/m)
    const second = createDnsmasq({ run, folder: join(folder, 'second'), upstream: async () => upstream })
    await assert.rejects(second.publish(zone(web)), { code: 'COMMAND_FAILED', message: /in use/ })
    assert.deepEqual(await names.silent(), [])
  })
}
