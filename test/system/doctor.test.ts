/** `croft doctor` on a host as shipped, and what `croft init` makes of what it finds. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Farm, Finding } from '../../src/api/resources.ts'
import { createTestFarm, type TestFarm } from './farm.ts'

let farm: TestFarm

before(async () => {
  farm = await createTestFarm({ ready: false })
})
after(() => farm.dispose())

/** What the machine of a test may lack; that is not croft's. */
const ofTheMachine = new Set(['sysctl', 'store', 'pool', 'clock', 'neighbours'])

async function findings(): Promise<{ code: number | null; found: Finding[] }> {
  const said = await farm.croft('doctor', '--json')
  return { code: said.code, found: JSON.parse(said.stdout) as Finding[] }
}

const reds = (found: readonly Finding[]) => found.filter(({ verdict }) => verdict === 'red')

async function nft(script: string): Promise<void> {
  const said = await farm.host({ file: 'nft', args: ['-f', '-'], stdin: script, timeoutMs: 20_000 })
  assert.equal(said.code, 0, said.stderr)
}

test('before the farm began the doctor says what guests would get', async () => {
  const { found } = await findings()
  assert.match(found.find(({ check }) => check === 'addresses')?.evidence ?? '', /guests would get 10\.100\.0\.0\/16/)
  assert.deepEqual(
    reds(found).filter(({ check }) => !ofTheMachine.has(check)),
    [],
  )
})

test('init refuses a prefix that is taken, and avoids it when it may choose', async () => {
  for (const args of [
    ['address', 'add', '10.100.9.1/24', 'dev', 'lo'],
    ['link', 'set', 'dev', 'lo', 'up'],
  ])
    assert.equal((await farm.host({ file: 'ip', args, timeoutMs: 20_000 })).code, 0)
  const refused = await farm.croft('init', 'meadow', '--prefix4', '10.100.0.0/16')
  assert.equal(refused.code, 4)
  assert.match(refused.stderr, /10\.100\.0\.0\/16 is taken here[\s\S]*--prefix4 10\.101\.0\.0\/16/)
  const made = await farm.croft('init', 'meadow', '--pool', 'file', '--pool-size', '300M')
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stderr, /10\.100\.0\.0\/16 is taken here/)
  assert.equal((await farm.json<{ farm: Farm }>('status')).farm.prefix4, '10.101.0.0/16')
})

test('a healthy farm has no red finding of croft’s own making', async () => {
  const { code, found } = await findings()
  const ours = reds(found).filter(({ check }) => !ofTheMachine.has(check))
  assert.deepEqual(ours, [])
  assert.equal(code, reds(found).length > 0 ? 9 : 0)
  for (const check of [
    'kernel',
    'cgroups',
    'tools',
    'subuid',
    'addresses',
    'gateway',
    'forwarding',
    'firewall',
    'store',
  ])
    assert.ok(
      found.some((finding) => finding.check === check),
      check,
    )
})

test('a foreign firewall is found and named; Docker’s is mended', async () => {
  await nft('table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }')
  const bare = await findings()
  assert.equal(bare.code, 9)
  const named = bare.found.find(({ check }) => check === 'firewall')
  assert.equal(named?.verdict, 'red')
  assert.match(named?.evidence ?? '', /^ip filter FORWARD: policy drop on forward/)
  assert.match(named?.mend ?? '', /insert rule ip filter FORWARD iifname "croft\*" accept/)

  await nft('table ip filter { chain DOCKER-USER { }; chain FORWARD { counter jump DOCKER-USER; }; }')
  const docker = await findings()
  assert.equal(docker.found.find(({ check }) => check === 'docker')?.mend, 'croft doctor --fix docker')
  const fixed = await farm.croft('doctor', '--fix', 'docker')
  assert.match(fixed.stderr, /ip filter DOCKER-USER: packets from and to croft\* pass/)
  assert.match((await farm.croft('doctor', '--fix', 'docker')).stderr, /nothing to change/)
  const mended = await findings()
  assert.match(
    mended.found.find(({ check }) => check === 'firewall')?.evidence ?? '',
    /Docker beside croft lets guests pass/,
  )
  await nft('delete table ip filter')
})

test('a pool that was unmounted is red, and mounted again by --fix', async () => {
  const { found } = await findings()
  const mountPoint = `${farm.stateDir}/pools/default`
  assert.match(found.find(({ check }) => check === 'pool')?.evidence ?? '', new RegExp(mountPoint))
  let lost: Finding | undefined
  // The daemon may have brought it back by itself before anybody looked.
  for (let tries = 0; tries < 5 && lost?.verdict !== 'red'; tries++) {
    assert.equal((await farm.host({ file: 'umount', args: [mountPoint], timeoutMs: 20_000 })).code, 0)
    lost = (await findings()).found.find(({ check }) => check === 'pool')
  }
  assert.match(`${lost?.verdict} ${lost?.mend}`, /^red .*croft doctor --fix pool-mount$/)
  assert.match((await farm.croft('doctor', '--fix', 'pool-mount')).stderr, /pool default: mounted/)
  assert.notEqual((await findings()).found.find(({ check }) => check === 'pool')?.evidence, lost?.evidence)
})

test('what the doctor does not mend is refused by name', async () => {
  const said = await farm.croft('doctor', '--fix', 'everything')
  assert.equal(said.code, 2)
  assert.match(said.stderr, /fix/)
})

test('a daemon that is down is a finding, and the host is examined all the same', async () => {
  await farm.stopDaemon()
  const { code, found } = await findings()
  assert.equal(code, 9)
  assert.deepEqual([found[0]?.check, found[0]?.verdict], ['daemon', 'red'])
  for (const check of ['kernel', 'tools', 'firewall'])
    assert.ok(
      found.some((finding) => finding.check === check),
      check,
    )
})
