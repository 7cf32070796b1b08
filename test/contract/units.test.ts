/** The service manager's own tools read what is written for it. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parseAppFile } from '../../src/plan/config/parse.ts'
import { resolveConfig } from '../../src/plan/config/resolve.ts'
import { onCalendar } from '../../src/plan/config/schedule.ts'
import { instanceFiles } from '../../src/plan/units.ts'

const text = `
[daemon.web]
command = "cat '50% of \\"x\\" $y \\\\ ä' \\"a b\\""
port = 3000
memory = "256M"
unit.Nice = 5
unit.Unit.Documentation = "https://example.org/"
[daemon.piped]
command = "cat | cat"
[cron.nightly]
schedule = "15 3 13 * 5"
command = "cat /dev/null"
[data.uploads]
path = "uploads"
`

test('units are read without a complaint', () => {
  const { config } = resolveConfig([{ name: 'app', from: '', config: parseAppFile(text) }], {
    site: 'shop/prod',
    slot: 1,
  })
  const files = instanceFiles({
    config,
    site: 'shop/prod',
    slot: 1,
    name: 'shop/prod/1',
    release: 'shop:v1',
    farm: 'f',
    secrets: { KEY: 'x' },
  })
  const root = mkdtempSync(join(tmpdir(), 'croft-units-'))
  try {
    for (const file of files) {
      const path = join(root, file.path)
      mkdirSync(dirname(path), { recursive: true })
      if ('text' in file) writeFileSync(path, file.text)
      else if ('link' in file) symlinkSync(file.link, path)
    }
    const folder = join(root, 'etc/systemd/system')
    const units = [
      'app.target',
      'app-web.service',
      'app-piped.service',
      'croft-jobs.target',
      'job-nightly.timer',
      'job-nightly.service',
      'croft-user.service',
    ]
    const { stderr, status } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', '--recursive-errors=no', ...units.map((unit) => join(folder, unit))],
      {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
      },
    )
    assert.equal(stderr, '')
    assert.equal(status, 0)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

test('every schedule that is taken is one', () => {
  const schedules = ['* * * * *', '*/7 1-5,9 1,31 jan-mar mon', '0 0 29 2 *', '5 4 * * sun', '@weekly', 'semiannually']
  const calendars = [
    'Mon..Fri 22:30',
    '*-*-* 04:00:00',
    'Sat,Sun 10:00',
    '2026-12-24',
    '*:0/15',
    '*-02~03 12:00',
    'Mon *-05-01..07 00:00:00 UTC',
    'Fri',
    '*-*-01,15',
    '2026-*-* 1:2:3.5',
  ]
  for (const schedule of [...schedules, ...calendars])
    for (const time of onCalendar(schedule) ?? assert.fail(schedule))
      execFileSync('systemd-analyze', ['calendar', time], { stdio: 'pipe' })
})
