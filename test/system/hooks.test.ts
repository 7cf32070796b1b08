/** Executables that are told what happens: as files of root's, with clean surroundings, over a daemon that is killed. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FarmEvent } from '../../src/api/events.ts'
import type { Finding } from '../../src/api/resources.ts'
import { createQuick, done, useQuickFarm } from './quick.ts'

const farm = await useQuickFarm()
const folder = join(farm.stateDir, 'hooks')
const heard = join(farm.stateDir, 'heard')
mkdirSync(folder, { mode: 0o755 })

/** Written aside and moved there: a hook that is half written may be run. */
function install(name: string, script: string, mode = 0o755): string {
  const path = join(folder, name)
  writeFileSync(`${path}.new`, `#!/bin/sh\n${script}\n`)
  chmodSync(`${path}.new`, mode)
  renameSync(`${path}.new`, path)
  return path
}

const act = (verb: string) => done(farm, 'POST', '/v1/guests/web/actions', { do: verb })
const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])
const findings = async () =>
  ((await farm.api('GET', '/v1/doctor')).body as Finding[]).filter(({ check }) => check === 'hooks')
const hookEvents = async () =>
  (await farm.api('GET', '/v1/events?kind=hook&tail=9')).text
    .split('\n')
    .filter((line) => line.includes('"event"'))
    .map((line) => JSON.parse(line) as FarmEvent)

test('a hook hears name and JSON of each event, with nothing of the daemon’s environment', async () => {
  install('record', `{ echo "$1 $(cat)"; env | sort | sed 's/^/env /'; } >> ${heard}`)
  await createQuick(farm, 'web')
  await act('stop')
  await farm.waitFor(() => linesOf(heard).some((line) => line.startsWith('guest.stopped')))
  const lines = linesOf(heard)
  const events = lines.filter((line) => line.startsWith('guest.')).map((line) => line.split(' ')[0])
  assert.deepEqual(events, ['guest.created', 'guest.started', 'guest.stopped'])
  const json = lines.find((line) => line.startsWith('guest.stopped'))?.replace(/^\S+ /, '') ?? ''
  const { kind, name, event, host, cursor } = JSON.parse(json) as FarmEvent
  assert.deepEqual([kind, name, event, host], ['guest', 'web', 'stopped', 'ash'])
  assert.match(cursor, /^[0-9a-f-]{36}:\d+/)
  const variables = new Set(lines.filter((line) => line.startsWith('env ')).map((line) => line.split(/[ =]/)[1]))
  assert.deepEqual([...variables].sort(), ['HOME', 'LC_ALL', 'PATH', 'PWD'])
})

test('one that names events is started for these alone; one that names what is none is told of', async () => {
  const few = join(farm.stateDir, 'few')
  install('few', `# on: guest.stopped, snapshot.*\necho "$1" >> ${few}`)
  install('typo', `# on: gest.stopped\necho typo >> ${few}`)
  await createQuick(farm, 'web')
  await act('stop')
  await farm.waitFor(
    () => linesOf(few).length > 0 && linesOf(heard).filter((line) => line.startsWith('guest.stopped')).length > 1,
  )
  assert.deepEqual(linesOf(few), ['guest.stopped'])
  const [said] = await findings()
  assert.match(said?.evidence ?? '', /typo says "# on:" with "gest.stopped"/)
  for (const name of ['few', 'typo']) rmSync(join(folder, name))
})

test('a daemon that is killed tells afterwards what the hook has not heard to its end', async () => {
  const slow = join(farm.stateDir, 'slow')
  const gate = join(farm.stateDir, 'gate')
  install(
    'record',
    `case $1 in guest.*) echo "begin $1" >> ${slow}; while [ ! -e ${gate} ]; do sleep 0.05; done; echo "end $1" >> ${slow};; esac`,
  )
  await createQuick(farm, 'web')
  await farm.waitFor(() => linesOf(slow).length === 1)
  await act('stop')
  await farm.stopDaemon('SIGKILL')
  writeFileSync(gate, '')
  await farm.startDaemon()
  await farm.waitFor(() => linesOf(slow).includes('end guest.stopped'), 30_000, linesOf(slow).join())
  const ends = linesOf(slow).filter((line) => line.startsWith('end'))
  assert.deepEqual([...new Set(ends)], ['end guest.created', 'end guest.started', 'end guest.stopped'])
})

test('what others could have written never runs, and the doctor says so; one that fails is told of, and blocks nothing', async () => {
  rmSync(folder, { recursive: true })
  mkdirSync(folder, { mode: 0o755 })
  const ran = join(farm.stateDir, 'ran')
  install('writable', `echo writable >> ${ran}`, 0o757)
  chownSync(install('foreign', `echo foreign >> ${ran}`), 65534, 65534)
  symlinkSync(install('real.sh', `echo link >> ${ran}`), join(folder, 'link'))
  install('off', `echo off >> ${ran}`, 0o644)
  install('bad', `echo "no mail" >&2; exit 3`)
  install('good', `echo good >> ${ran}`)
  await createQuick(farm, 'web')
  await act('stop')
  await farm.waitFor(async () => (await hookEvents()).length > 0)
  await farm.waitFor(() => linesOf(ran).length > 0)
  assert.deepEqual([...new Set(linesOf(ran))], ['good'])
  const said = await findings()
  assert.deepEqual(
    said.map(
      ({ verdict, evidence }) => `${verdict} ${evidence.replace(`${folder}/`, '').split(' ').slice(0, 3).join(' ')}`,
    ),
    ['red foreign belongs to', 'red link is a', 'red writable may be', 'warn bad has failed'],
  )
  const [event] = await hookEvents()
  assert.deepEqual([event?.name, event?.event], ['bad', 'failed'])
  chmodSync(folder, 0o777)
  assert.match((await findings())[0]?.evidence ?? '', /hooks may be written by others.*no hook there runs/)
})
