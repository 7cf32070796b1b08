/** Two hosts: their guests find each other by name and reach each other when a rule lets them, also while no daemon runs. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Finding } from '../../../src/api/resources.ts'
import type { TestHost, TestHosts } from '../hosts.ts'
import { addTinyTemplate, tinyTemplate } from '../tiny.ts'

export async function mesh(hosts: TestHosts): Promise<void> {
  const { ash, birch } = hosts
  await addTinyTemplate(birch, join(birch.stateDir, 'pools', 'default'))

  const busybox = (host: TestHost, guest: string, ...words: string[]) =>
    host.croftWith({ timeoutMs: 30_000 }, 'exec', guest, '--', '/bin/busybox', ...words)
  /** Whether a page comes from there. */
  const page = async (from: 'web' | 'ash', name: string) => {
    const { stdout } =
      from === 'web'
        ? await ash.croftWith({ timeoutMs: 30_000 }, 'exec', 'web', '--', 'timeout', '6', 'bash', '-c', fetchIn(name))
        : await ash.host({ file: 'curl', args: ['-s', '-m', '5', `http://${name}/`] })
    return stdout.includes('far and well')
  }
  const fetchIn = (name: string) =>
    `exec 3<>/dev/tcp/${name}/80 && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && timeout 2 cat <&3`
  const verdicts = async (host: TestHost) => {
    const { code, stdout } = await host.croft('network', 'check', '--json')
    return { code, lines: (JSON.parse(stdout) as Finding[]).map(({ check, verdict }) => `${check} ${verdict}`) }
  }

  test('guests of two hosts talk by name after a rule, and not before; the edge serves both; keys change under way', async () => {
    await ash.croftOk('create', 'web', 'debian:12', '--host', 'ash')
    await birch.croftOk('create', 'far', tinyTemplate, '--host', 'birch')
    await busybox(birch, 'far', 'sh', '-c', 'echo far and well >/srv/index.html; busybox httpd -p 80 -h /srv')
    await ash.waitFor(async () => (await verdicts(ash)).code === 0, 30_000, 'the mesh')
    assert.deepEqual(await verdicts(birch), { code: 0, lines: ['mesh ok', 'mesh:ash ok'] })

    await ash.waitFor(
      async () => (await ash.inGuest('web', 'getent', 'hosts', 'far')).includes('far'),
      30_000,
      'the name',
    )
    assert.ok(
      await page('ash', (await ash.inGuest('web', 'getent', 'ahostsv4', 'far')).split(' ')[0] ?? ''),
      'the host',
    )
    assert.equal(await page('web', 'far'), false, 'no rule yet')
    await birch.croftOk('allow', 'far', 'from', 'web', 'tcp/80')
    assert.equal(await page('web', 'far'), true, 'with its own address')
    const { mtu } = JSON.parse(await ash.inGuest('web', 'ip', '-j', 'link', 'show', 'eth0').catch(() => '[]'))[0] ?? {}
    assert.ok(mtu === undefined || mtu === 1420, `packets of ${mtu}`)

    await ash.croftOk('route', 'add', 'far.example.org', 'far:80', 'https=off')
    const served = async () => {
      const args = ['-s', '-m', '5', '-H', 'Host: far.example.org', `http://${ash.address.v4}/`]
      return (await ash.outside({ file: 'curl', args })).stdout.includes('far and well')
    }
    await ash.waitFor(served, 30_000, 'the edge of the other host')
    await ash.croftOk('route', 'rm', 'far.example.org', '-y')

    const key = async () => (await birch.host({ file: 'wg', args: ['show', 'all', 'public-key'] })).stdout
    const before = await key()
    await birch.croftOk('network', 'rotate-key')
    assert.notEqual(await key(), before)
    await ash.waitFor(() => page('web', 'far'), 30_000, 'with the new key')
  })

  test('the way stays while no daemon runs, and one that starts finds it', async () => {
    await ash.croftOk('create', 'web', 'debian:12', '--host', 'ash')
    await birch.croftOk('create', 'far', tinyTemplate, '--host', 'birch')
    await busybox(birch, 'far', 'sh', '-c', 'echo far and well >/srv/index.html; busybox httpd -p 80 -h /srv')
    const address = (await birch.json<{ ipv4: string }>('show', 'far')).ipv4
    await birch.stopDaemon('SIGKILL')
    assert.ok(await page('ash', address))
    await birch.startDaemon()
    await ash.waitFor(async () => (await verdicts(birch)).code === 0, 60_000, 'the mesh')
    assert.ok(await page('ash', address))
  })
}
