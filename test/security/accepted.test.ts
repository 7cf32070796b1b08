/** Values that look hostile and are valid: taken for real, and harmless in every file, rule and table they get to. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LabelKey, OneLine, SnapshotName } from '../../src/api/values.ts'
import { hostileTexts, marker } from './hostile.ts'
import { useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
const texts = [...new Set(hostileTexts)].filter((text) => text !== '')
const written = (method: string, path: string, body?: unknown) =>
  farm.api(method, `${path}${path.includes('?') ? '&' : '?'}wait=60000`, body)

test('labels, reasons and comments of keys', async () => {
  const values = texts.filter((text) => OneLine.safeParse(text).success)
  assert.ok(values.length > 40)
  const labels = Object.fromEntries(values.map((value, at) => [`l${at}`, value]))
  const keys = values.slice(0, 90).map((value) => `ssh-ed25519 AAAAC3Nz ${value}`)
  const names = ['constructor', 'prototype', 'hasown-property'].filter((name) => LabelKey.safeParse(name).success)
  const all = { ...labels, ...Object.fromEntries(names.map((name) => [name, 'x'])) }
  const reason = encodeURIComponent(values.find((value) => value.includes('$(')) ?? '')
  const made = await written('POST', `/v1/guests?reason=${reason}`, {
    name: 'odd',
    template: 'debian:12',
    labels: all,
    keys,
  })
  assert.equal(made.status, 200, made.text)
  const { spec, number } = (await farm.api('GET', '/v1/guests/odd')).body as {
    spec: { labels: object; keys: string[] }
    number: number
  }
  assert.deepEqual({ ...spec.labels }, all)
  assert.deepEqual(spec.keys, keys)
  const authorized = await farm.inGuest('odd', 'cat', '/root/.ssh/authorized_keys')
  assert.deepEqual(authorized.split('\n'), ['# croft keys', ...keys, '# end of croft keys'])
  const folder = join(farm.stateDir, 'lxc', String(number))
  assert.ok(!readFileSync(join(folder, 'config'), 'utf8').includes(marker))
  for (const name of readdirSync(farm.stateDir, { recursive: true })) assert.ok(!String(name).includes(marker))
  const rules = await farm.host({ file: 'nft', args: ['list', 'ruleset'] })
  assert.ok(rules.stdout.includes('croft') && !rules.stdout.includes(marker))
})

test('names of snapshots stay names', async () => {
  const names = texts.filter((text) => SnapshotName.safeParse(text).success)
  assert.ok(names.length > 3)
  for (const name of names)
    assert.equal((await written('POST', '/v1/guests/odd/snapshots', { name })).status, 200, name)
  assert.deepEqual(
    (await farm.json<{ name: string }[]>('snapshot', 'ls', 'odd')).map((each) => each.name).sort(),
    [...names].sort(),
  )
  for (const name of names)
    assert.equal((await written('DELETE', `/v1/guests/odd/snapshots/${name}`)).status, 200, name)
})

test('tables, records and every other format show them in clean lines', async () => {
  for (const words of [
    ['ls', '-o', 'wide'],
    ['show', 'odd'],
    ['show', 'odd', '-o', 'yaml'],
    ['ls', '-o', 'csv'],
    ['history', 'odd'],
    ['ls', '--json'],
  ]) {
    const said = await farm.croftOk(...words)
    assert.doesNotMatch(said.replaceAll(/\r?\n/g, ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u, words.join(' '))
  }
})
