/** Recipes for real: their guests, asked for their pages from outside. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { addBases } from './bases.ts'
import { recipeTemplate } from './cache.ts'
import { at, useFarm } from './farm.ts'
import { get } from './guests.ts'

const farm = await useFarm()
const built = await recipeTemplate('static')

/** Until it is the page: a machine under load has it late. What came instead is told. */
async function comes(port: number, expected: RegExp, name: string): Promise<void> {
  let said: string | undefined
  const met = async () => {
    said = await get(farm, 'outside', `${at.host.v4}:${port}`, 5)
    return said !== undefined && expected.test(said)
  }
  await farm.waitFor(met, 120_000, `the page of ${name}`).catch(() => undefined)
  assert.match(said ?? '', expected, name)
}

test('the recipe static: its guest serves a page on port 80', async () => {
  await farm.addTemplate(built)
  await farm.croftOk('create', 'web', 'static:v1', '-p', '8080:80')
  await comes(8080, /<h1>It serves<\/h1>/, 'static')
  await farm.croftOk('rm', 'web', '-y')
  await farm.croftOk('template', 'rm', 'static:v1', '-y')
})

test('the recipe plain: its guest starts whole, and answers exec and ssh', async () => {
  await farm.addTemplate(await recipeTemplate('plain'))
  const key = join(farm.stateDir, 'key')
  await farm.host({ file: 'ssh-keygen', args: ['-q', '-t', 'ed25519', '-N', '', '-f', key], timeoutMs: 30_000 })
  const line = (await readFile(`${key}.pub`, 'utf8')).trim()
  await farm.croftOk('create', 'web', 'plain:v1', `key=${line}`)
  const { ipv4 } = await farm.json<{ ipv4: string }>('show', 'web')
  const tools = ['git', 'htop', 'rsync', 'vim.tiny', 'unattended-upgrade']
  assert.equal((await farm.inGuest('web', 'which', ...tools)).split('\n').length, tools.length)
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes', 'LogLevel=ERROR']
  const args = ['-i', key, ...options.flatMap((each) => ['-o', each]), `root@${ipv4}`, 'hostname']
  const ssh = () => farm.host({ file: 'ssh', args, timeoutMs: 30_000 })
  await farm.waitFor(async () => (await ssh()).stdout === 'web\n', 120_000, 'an answer by ssh')
  const state = async () => (await farm.croft('exec', 'web', '--', 'systemctl', 'is-system-running')).stdout.trim()
  await farm.waitFor(async () => /^(running|degraded)$/.test(await state()), 120_000, 'the end of its start')
  // What apt would do each day finds no mirror from here.
  const failed = await farm.inGuest('web', 'systemctl', 'list-units', '--failed', '--plain', '--no-legend')
  assert.deepEqual(
    failed.split('\n').filter((line) => line !== '' && !line.startsWith('apt-')),
    [],
  )
  await farm.croftOk('rm', 'web', '-y')
  await farm.croftOk('template', 'rm', 'plain:v1', '-y')
})

/** Their packages are in the root that all tests share: what is theirs beside them is done in a guest of it. */
test('the recipes node, php and java: what they set up runs from the next start on', async () => {
  await addBases(farm, ['shared:v1'])
  const serves = {
    node: [3000, /^It runs Node v\d/],
    php: [80, /^It runs PHP \d/],
    java: [8080, /^It runs Java \d/],
  } as const
  for (const name of ['node', 'php', 'java'] as const) {
    const script = await readFile(new URL(`../../recipes/${name}.sh`, import.meta.url), 'utf8')
    const [port, page] = serves[name]
    await farm.croftOk('create', name, 'shared:v1', 'memory=512M', '-p', `8081:${port}`)
    assert.equal((await farm.croftWith({ stdin: script }, 'push', '-', `${name}:/root/recipe`)).code, 0)
    const said = await farm.croft('exec', name, '--', 'sh', '-e', '/root/recipe')
    assert.equal(said.code, 0, `${name}: ${said.stderr}`)
    await farm.croftOk('restart', name)
    await comes(8081, page, name)
    await farm.croftOk('rm', name, '-y')
  }
  await farm.croftOk('template', 'rm', 'shared:v1', '-y')
})
