/** Containers in a guest: refused by the kernel without `nesting`, and what they open stays the guest's own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { useFarm } from './farm.ts'

const farm = await useFarm()

/** As an unprivileged container does it: namespaces of its own, and a proc and a sysfs that belong to them. */
const contained = 'unshare --user --map-root-user --mount --net --pid --fork --mount-proc'.split(' ')
const look = ['sh', '-c', 'mount -t sysfs sysfs /sys && ls /sys/class/net && ls -d /proc/[0-9]* | wc -l']
const runContained = (guest: string) =>
  farm.croft('exec', guest, '--', 'setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', ...contained, ...look)

test('nesting=yes lets it run containers from its next start on, and nothing of the host opens', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--wait=stable')
  assert.notEqual((await runContained('web')).code, 0, 'not without')
  await farm.croftOk('set', 'web', 'nesting=yes')
  await farm.croftOk('restart', 'web')
  const nested = await runContained('web')
  assert.equal(nested.code, 0, nested.stderr)
  assert.match(nested.stdout, /^lo\n[1-9]\n$/)

  for (const path of [
    '/dev/.lxc/proc/sysrq-trigger',
    '/dev/.lxc/proc/sys/vm/swappiness',
    '/dev/.lxc/proc/sys/kernel/core_pattern',
    '/dev/.lxc/sys/kernel/mm/transparent_hugepage/enabled',
    '/dev/.lxc/sys/power/state',
  ]) {
    const written = await farm.croft('exec', 'web', '--', 'sh', '-c', `test ! -e ${path} || echo 1 >${path}`)
    const there = (await farm.croft('exec', 'web', '--', 'test', '-e', path)).code === 0
    assert.equal(written.code !== 0, there, `${path} cannot be written`)
  }
  assert.match(await farm.croftOk('show', 'web'), /nesting +yes/)

  await farm.croftOk('set', 'web', 'nesting=no')
  await farm.croftOk('restart', 'web')
  assert.notEqual((await runContained('web')).code, 0, 'not any more')
  assert.deepEqual((await farm.croft('set', 'web', 'nesting=maybe')).code, 2)
})
