import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Command } from '../../src/drivers/exec/command.ts'
import { createRouted } from '../../src/drivers/network/routed/index.ts'
import {
  parseAddresses,
  parseDefaultDevices,
  parseLinks,
  parseListening,
} from '../../src/drivers/network/routed/parse.ts'
import { ensureAtLeast, ensureSetting } from '../../src/drivers/network/routed/settings.ts'
import { gateway4, gateway6, numberOfLink } from '../../src/plan/addresses.ts'

test('what ip prints is read', () => {
  assert.deepEqual(
    parseLinks('[{"ifname":"lo","mtu":65536,"flags":["LOOPBACK","UP"]},{"ifname":"a","mtu":9,"flags":[]}]'),
    [
      { name: 'lo', mtu: 65536, up: true },
      { name: 'a', mtu: 9, up: false },
    ],
  )
  assert.deepEqual(parseLinks('\n'), [])
  assert.deepEqual(parseAddresses('[{"addr_info":[{"local":"10.0.0.1"},{"local":"::1"}]},{}]'), ['10.0.0.1', '::1'])
  assert.deepEqual(parseDefaultDevices('[{"dev":"wlan0","metric":600},{"dev":"eth0"},{"nexthops":[]}]'), [
    'eth0',
    'wlan0',
  ])
  assert.throws(() => parseLinks('Device does not exist'))
})

test('a setting that is not there is passed over, one that stands is not written', async () => {
  const root = await mkdtemp(join(tmpdir(), 'croft-settings-'))
  await writeFile(join(root, 'a'), '5\n')
  assert.deepEqual(await ensureSetting(root, 'a', '5'), [])
  assert.deepEqual(await ensureSetting(root, 'a', '7'), ['a: 5 → 7'])
  assert.deepEqual(await ensureSetting(root, 'b', '7'), [])
  assert.deepEqual(await ensureAtLeast(root, 'a', 6), [])
  assert.deepEqual(await ensureAtLeast(root, 'a', 8), ['a: 7 → 8'])
  await mkdir(join(root, 'c'))
  await assert.rejects(ensureSetting(root, 'c', '1'), { code: 'FAILED' })
  assert.equal(await readFile(join(root, 'a'), 'utf8'), '8')
  await rm(root, { recursive: true })
})

test('the gateways and the names of links are those of plan/addresses', async () => {
  const asked: Command[] = []
  const answer = (command: Command) => {
    asked.push(command)
    if (command.args.includes('link'))
      return '[{"ifname":"croft65534","mtu":1,"flags":[]},{"ifname":"croft","mtu":1,"flags":[]}]'
    return ''
  }
  const run = {
    run: async (command: Command) => answer(command),
    outcome: async (command: Command) => ({
      code: 0,
      signal: null,
      stdout: answer(command),
      stderr: '',
      timedOut: false,
    }),
  }
  const root = await mkdtemp(join(tmpdir(), 'croft-settings-'))
  await mkdir(join(root, 'net/ipv6/conf/croft3'), { recursive: true })
  await writeFile(join(root, 'net/ipv6/conf/croft3/disable_ipv6'), '0')
  await mkdir(join(root, 'net/ipv4/conf/croft3'), { recursive: true })
  await writeFile(join(root, 'net/ipv4/conf/croft3/forwarding'), '1')
  const network = createRouted({ run, settings: root })
  await network.prepare()
  await network.tune('croft3', { reachableFromLoopback: true })
  const added = asked.map(({ args }) => args).filter((args) => args.includes('replace'))
  assert.deepEqual(
    added.map((args) => args[2]),
    [`${gateway4}/32`, `${gateway6}/128`],
  )
  const [link] = await network.links()
  assert.equal(link?.number, numberOfLink(link?.name ?? ''))
  await rm(root, { recursive: true })
})

test('who listens is read from the kernel: wildcard, 127.0.0.1 and own addresses count, 127.0.0.53 does not', () => {
  const table = [
    '  sl  local_address rem_address   st',
    '   0: 00000000:0016 00000000:0000 0A',
    '   1: 0100007F:1F90 00000000:0000 0A',
    '   2: 3500007F:0035 00000000:0000 0A',
    '   3: 020200C0:D431 01010101:01BB 01',
    '   4: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A',
    '',
  ].join('\n')
  assert.deepEqual([...parseListening(table, 'tcp')], [22, 8080, 80])
})
