import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { SeedFile } from '../../../src/api/app.ts'
import { CroftError } from '../../../src/api/errors.ts'
import { parseAppFile } from '../../../src/plan/config/parse.ts'
import { resolveConfig } from '../../../src/plan/config/resolve.ts'
import { environmentText, quoted, unitText } from '../../../src/plan/units/text.ts'
import { instanceFiles } from '../../../src/plan/units.ts'

const text = `
[app]
platform = "node"
[env]
DB_URL = "mysql://shop:\${secret.DB_PASSWORD}@db/shop"
PEM = "-----BEGIN\\nx\\"y\\\\z\\n-----END"
[daemon.web]
command = "node server.js --name '50% of $x'"
port = 3000
memory = "256M"
unit.Restart = "on-failure"
unit.Unit.After = "remote-fs.target"
[daemon.worker]
command = "./bin/work | logger"
directory = "jobs"
user = "nobody"
env.QUEUE = "mail"
[cron.nightly]
schedule = "15 3 * * 1-5"
command = "node count.js"
[cron.everywhere]
schedule = "hourly"
command = "node clean.js"
on = "each"
[data.uploads]
path = "uploads"
`
const secrets = { DB_PASSWORD: 'p"$s\\w' }
function files(slot = 1, said = text): readonly SeedFile[] {
  const { config } = resolveConfig([{ name: 'app', from: 'croft.toml', config: parseAppFile(said) }], {
    site: 'shop/prod',
    slot,
  })
  return instanceFiles({
    config,
    site: 'shop/prod',
    slot,
    name: 'shop/prod/4',
    release: 'shop:v1',
    farm: 'meadow',
    secrets,
  })
}
const textAt = (all: readonly SeedFile[], path: string): string => {
  const file = all.find((each) => each.path === path)
  assert.ok(file && 'text' in file, path)
  return file.text
}

test('an instance is given these files', () => {
  const told = files()
    .map((file) => {
      if ('folder' in file) return `${file.path}/ ${file.mode.toString(8)}\n`
      return 'link' in file
        ? `${file.path} -> ${file.link}\n`
        : `${file.path} ${file.mode.toString(8)}\n${file.text.replace(/^/gm, '    ').trimEnd()}\n`
    })
    .join('\n')
  const golden = new URL('./units.expected', import.meta.url)
  if (process.env.UPDATE) writeFileSync(golden, told)
  assert.equal(told, readFileSync(golden, 'utf8'))
})

test('folders are told before what lies in them, and no path twice', () => {
  const paths = files().map(({ path }) => path)
  assert.equal(new Set(paths).size, paths.length)
  for (const [index, path] of paths.entries()) {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (!['/etc', '/etc/systemd/system'].includes(parent)) assert.ok(paths.slice(0, index).includes(parent), path)
  }
})

test('no name of a user meets a unit of croft or of another part', () => {
  const names = ['before', 'target', 'user', 'cron', 'nightly', 'job-nightly']
  const daemons = names.map((name) => `[daemon.${name}]\ncommand = "a"`)
  const jobs = names.map((name) => `[cron.${name}]\ncommand = "a"\nschedule = "daily"`)
  const paths = files(1, [...daemons, ...jobs, '[before]\ncommand = "a"'].join('\n')).map(({ path }) => path)
  assert.deepEqual(
    paths.filter((path, index) => paths.indexOf(path) !== index),
    [],
  )
})

test('what runs once for the site runs in the first slot; what runs on each, on each', () => {
  const timers = (slot: number) =>
    files(slot).flatMap(({ path }) => (/\/([a-z-]+)\.timer$/.test(path) && path.includes('wants') ? [path] : []))
  assert.equal(timers(1).length, 2)
  assert.deepEqual(timers(2), ['/etc/systemd/system/app.target.wants/job-everywhere.timer'])
})

test('secrets are in files for root alone, and in no unit', () => {
  for (const file of files()) {
    if (!('text' in file) || !file.text.includes(secrets.DB_PASSWORD.slice(3))) continue
    assert.equal(file.mode, 0o400, file.path)
    assert.doesNotMatch(file.path, /systemd/)
  }
  assert.throws(
    () =>
      instanceFiles({
        config: resolveConfig([{ name: 'app', from: '', config: parseAppFile(text) }], { site: 'a/b', slot: 1 }).config,
        site: 'a/b',
        slot: 1,
        name: 'a/b/1',
        release: 'a:1',
        farm: 'f',
        secrets: {},
      }),
    (thrown) =>
      thrown instanceof CroftError && thrown.code === 'REFUSED' && thrown.hint === 'croft secret set SITE DB_PASSWORD',
  )
})

test('no text of a user ends its line or is obeyed', () => {
  const hostile = [
    'a\nExecStart=/bin/evil',
    'a\r\n[Service]',
    'a\0b',
    'a\u2028b',
    '%n %%',
    '$HOME ${HOME}',
    '"; x="',
    "'",
    '\\',
    'a\\',
    '\u{1f600}',
  ]
  for (const word of hostile) {
    assert.match(quoted(word, { expands: true }), /^"[^\n\r\0\u2028]*"$/)
    assert.match(environmentText({ A: word }), /^A="(?:[^"\\$`]|\\[\s\S])*"\n$/, JSON.stringify(word))
  }
  assert.equal(quoted('50% $x "y" \\', { expands: true }), '"50%% $$x \\"y\\" \\\\"')
  for (const value of ['a\nb', 'a\\', 'a\u2028b', 'a\rb'])
    assert.throws(() => unitText({ Unit: [] }, { Nice: value }), CroftError, JSON.stringify(value))
})

test('what is said of a unit takes the place of what croft says', () => {
  const web = textAt(files(), '/etc/systemd/system/app-web.service')
  assert.deepEqual(web.match(/^Restart=.*$/gm), ['Restart=on-failure'])
  assert.deepEqual(web.match(/^After=.*$/gm), ['After=remote-fs.target'])
  const other = textAt(
    files(1, '[daemon.web]\ncommand = "a"\nunit.ExecStart = "/bin/b"'),
    '/etc/systemd/system/app-web.service',
  )
  assert.deepEqual(other.match(/^ExecStart=.*$/gm), ['ExecStart=/bin/b'])
})
