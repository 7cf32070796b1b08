/** Who a guest is: its own machine id, host keys, names and admin keys; and a guest that lays traps for the first steps. */
import assert from 'node:assert/strict'
import { chmod, lstat, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { useFarm } from './farm.ts'
import { show } from './guests.ts'

const farm = await useFarm()
const key = join(farm.stateDir, 'key')
await createRunner().run({ file: 'ssh-keygen', args: ['-q', '-t', 'ed25519', '-N', '', '-f', key], timeoutMs: 30_000 })
const publicKey = (await readFile(`${key}.pub`, 'utf8')).trim()

const ssh = (address: string, ...command: string[]) =>
  farm.host({
    file: 'ssh',
    args: [
      ...['-i', key, '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
      ...['-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=5', `root@${address}`, '--', ...command],
    ],
  })

const idsOf = async (guest: string): Promise<string[]> => {
  const files = ['/etc/machine-id', '/etc/ssh/ssh_host_ed25519_key.pub', '/etc/hostname', '/etc/croft-id']
  return (await farm.inGuest(guest, 'cat', ...files)).split('\n')
}

test('clones and their source share no machine id, host key, name or id', async () => {
  await farm.croftOk('create', 'one', 'debian:12', '--wait=stable')
  const first = await idsOf('one')
  assert.match(first[0] ?? '', /^[0-9a-f]{32}$/)
  await Promise.all([farm.croftOk('clone', 'one', 'two'), farm.croftOk('clone', 'one', 'three')])
  await farm.croftOk('create', 'four', 'debian:12')
  const all = [first, ...(await Promise.all(['two', 'three', 'four'].map(idsOf)))]
  for (const [index, what] of ['machine id', 'host key', 'name', 'id'].entries())
    assert.equal(new Set(all.map((ids) => ids[index])).size, 4, what)
  await farm.croftOk('restart', 'one', '--wait=stable')
  assert.deepEqual(await idsOf('one'), first, 'a restart keeps them')
})

test('name, hosts, resolver and the keys of the admins, by real ssh', async () => {
  await farm.croftOk('create', 'web', 'debian:12', `key=${publicKey}`)
  const { ipv4, ipv6 } = await show(farm, 'web')
  await farm.waitFor(async () => (await ssh(ipv4, 'true')).code === 0)
  assert.equal((await ssh(ipv4, 'hostname')).stdout, 'web\n')
  assert.equal((await ssh(ipv6, 'id', '-u')).stdout, '0\n')
  assert.match((await ssh(ipv4, 'hostname', '-f')).stdout, /^web\.meadow\.internal\n$/)
  assert.match(await farm.inGuest('web', 'getent', 'ahostsv4', 'web'), new RegExp(`^${ipv4.replaceAll('.', '\\.')} `))
  const resolver = await farm.inGuest('web', 'cat', '/etc/resolv.conf')
  assert.match(resolver, /search meadow\.internal/)
  assert.equal(await farm.inGuest('web', 'stat', '-c', '%a %u', '/root/.ssh/authorized_keys'), '600 0')
  await farm.inGuest('web', 'sh', '-c', 'echo "# my own" >> /root/.ssh/authorized_keys')
  await farm.croftOk('set', 'web', 'key=')
  await farm.croftOk('restart', 'web')
  assert.notEqual((await ssh(ipv4, 'true')).code, 0, 'a key that was taken away')
  assert.equal(await farm.inGuest('web', 'cat', '/root/.ssh/authorized_keys'), '# my own')
})

test('a guest that points its own files elsewhere starts, and the host stays whole', async () => {
  await farm.croftOk('create', 'liar', 'debian:12', `key=${publicKey}`)
  const canary = join(farm.stateDir, 'canary')
  await writeFile(canary, 'whole')
  await chmod(canary, 0o666)
  const traps = `
    for file in /etc/resolv.conf /etc/hosts /etc/hostname /etc/croft-id /etc/machine-id; do ln -sfn ${canary} $file; done
    rm -rf /root/.ssh; ln -s ${farm.stateDir} /root/.ssh
    ln -sfn ${farm.stateDir} /dev/.croft-trap; rm -rf /srv; ln -s /proc/1/root${canary} /srv`
  await farm.inGuest('liar', 'sh', '-c', traps)
  await farm.croftOk('restart', 'liar', '--wait=stable')
  assert.equal(await farm.inGuest('liar', 'cat', '/proc/sys/kernel/hostname'), 'liar')
  assert.equal(await readFile(canary, 'utf8'), 'whole')
  assert.equal((await lstat(canary)).mode & 0o777, 0o666)
  assert.equal(await lstat(join(farm.stateDir, 'authorized_keys')).catch(() => 'none'), 'none')
  await farm.inGuest(
    'liar',
    'sh',
    '-c',
    'rm -rf /dev/.croft; cd /root; rm -f .ssh; mkdir .ssh; mkdir .ssh/authorized_keys',
  )
  await farm.croftOk('restart', 'liar', '--wait=stable')
})

test('a guest whose own shell hangs or is gone is told of, and harms nobody', async () => {
  await farm.croftOk('create', 'broken', 'debian:12')
  await farm.croftOk('create', 'whole', 'debian:12')
  await farm.inGuest('broken', 'mv', '/bin/dash', '/bin/dash.gone')
  const said = await farm.croft('restart', 'broken', '--timeout', '20s')
  assert.notEqual(said.code, 0)
  assert.match(said.stderr, /first|hook|croft/i)
  assert.equal(await farm.inGuest('whole', 'hostname'), 'whole')
})
