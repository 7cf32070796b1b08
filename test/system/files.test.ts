/** Files in and out of guests that run and guests that do not, with the tar of Debian and that of busybox. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const entry = process.env.CROFT_ENTRY || new URL('../../src/cli/main.ts', import.meta.url).pathname
const here = mkdtempSync('/var/tmp/croft-files-')
after(() => rmSync(here, { recursive: true, force: true }))
const at = (...parts: string[]) => join(here, ...parts)
const exits = async (code: number, ...words: string[]): Promise<string> => {
  const said = await farm.croft(...words)
  assert.equal(said.code, code, `croft ${words.join(' ')}\n${said.stderr}${said.stdout}`)
  return said.stderr + said.stdout
}

/** A folder with what is hard to carry. */
function plantTree(): string[] {
  const deep = 'd'.repeat(90)
  mkdirSync(at('site', deep, deep), { recursive: true })
  writeFileSync(at('site', deep, deep, 'long name'), 'deep\n')
  writeFileSync(at('site', 'ünïcode\nand a line'), 'odd\n')
  writeFileSync(at('site', '-rf'), Buffer.alloc(1_500_000, 7))
  writeFileSync(at('site', 'empty'), '')
  writeFileSync(at('site', 'run'), '#!/bin/sh\n')
  chmodSync(at('site', 'run'), 0o750)
  symlinkSync('run', at('site', 'inside'))
  symlinkSync(`../${'d'.repeat(120)}`, at('site', deep, 'far'))
  return readdirSync(at('site')).sort()
}

test('a tree and a file go in and come out as they were, whether the guest runs or not', async () => {
  const names = plantTree()
  writeFileSync(at('motd'), 'hello\n')
  await farm.croftOk('create', 'web', 'debian:12')
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') await farm.croftOk('stop', 'web')
    await farm.croftOk('push', at('site'), at('motd'), 'web:/srv')
    await farm.croftOk('push', at('site'), `web:/srv/${state}`, '--chown', 'www-data:33')
    const back = at(`back-${state}`)
    await farm.croftOk('pull', `web:/srv/${state}`, back)
    assert.deepEqual(readdirSync(back).sort(), names)
    assert.deepEqual(readFileSync(join(back, '-rf')), readFileSync(at('site', '-rf')))
    assert.equal(statSync(join(back, 'run')).mode & 0o7777, 0o750)
    assert.equal(statSync(join(back, 'run')).uid, 0, 'what comes out belongs to who asked')
    assert.equal(readlinkSync(join(back, 'inside')), 'run')
    await farm.croftOk('pull', 'web:/srv/site', back)
    assert.ok(existsSync(join(back, 'site', 'empty')), 'into a folder that is there')
    assert.equal(await farm.croftOk('pull', 'web:/srv/motd', '-'), 'hello\n')
  }
  await farm.croftOk('start', 'web')
  assert.equal(await farm.inGuest('web', 'stat', '-c', '%a %u %g', '/srv/stopped/run'), '750 33 33')
  assert.equal(await farm.inGuest('web', 'stat', '-c', '%a %u %g', '/srv/running/run'), '750 33 33')
  assert.equal(await farm.inGuest('web', 'stat', '-c', '%a %u %g', '/srv/motd'), '644 0 0')
})

test('stdin, links, owners: a file that is replaced is whole or as it was', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  await farm.inGuest(
    'web',
    'sh',
    '-c',
    'echo old >/etc/app; chown 33:34 /etc/app; chmod 640 /etc/app; ln -s /etc/app /srv/link',
  )
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') await farm.croftOk('stop', 'web')
    const said = await farm.croftWith({ stdin: `new ${state}\n` }, 'push', '-', 'web:/srv/link')
    assert.equal(said.code, 0, said.stderr)
    assert.match(said.stdout, /web:\/etc\/app {2}\d+ B/)
    assert.equal(await farm.croftOk('pull', 'web:/srv/link', '-'), `new ${state}\n`)
  }
  await farm.croftOk('start', 'web')
  assert.equal(await farm.inGuest('web', 'stat', '-c', '%a %u %g', '/etc/app'), '640 33 34')
  assert.equal(
    await farm.inGuest('web', 'sh', '-c', 'ls -A /etc | grep -c ^.croft-.....|| true'),
    '0',
    'nothing half is left',
  )
})

test('what cannot be is refused in one line, and nothing is changed', async () => {
  writeFileSync(at('file'), 'x')
  await farm.croftOk('create', 'web', 'debian:12')
  await farm.inGuest(
    'web',
    'sh',
    '-c',
    'mkfifo /srv/pipe; ln -s loop /srv/loop; ln -s /etc/passwd /srv/out; touch /srv/ok',
  )
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') await farm.croftOk('stop', 'web')
    assert.match(await exits(3, 'push', at('nothing'), 'web:/srv'), /there is no .*nothing/)
    assert.match(await exits(3, 'push', at('file'), 'web:/no/such/folder'), /has no folder \/no\/such/)
    assert.match(await exits(3, 'push', at('file'), at('file'), 'web:/srv/new/'), /has no folder/)
    assert.match(await exits(4, 'push', at('file'), 'web:/dev/null'), /no file|no folder/)
    assert.match(await exits(4, 'push', at('file'), 'web:/srv/ok/in'), /no folder/)
    assert.match(await exits(3, 'pull', 'web:/srv/nothing', here), /web has no \/srv\/nothing/)
    assert.match(await exits(4, 'pull', 'web:/srv/pipe', here), /neither file nor folder/)
    assert.match(await exits(2, 'pull', 'web:/', here), /a whole guest/)
    assert.match(await exits(2, 'pull', 'web:/srv', '-'), /is a folder/)
    assert.match(await exits(4, 'pull', 'web:/etc', at('much'), '--max', '1K'), /more than --max/)
    assert.match(await exits(5, 'pull', 'web:/srv/ok', '/dev/null'), /no file/)
    assert.ok(!existsSync(at('much')))
    assert.ok(!existsSync(at('out')))
    assert.match(await exits(6, 'pull', 'web:/srv', at(`srv-${state}`)), /left out out: a link that leads out/)
    assert.deepEqual(readdirSync(at(`srv-${state}`)).sort(), ['loop', 'ok'])
  }
  assert.match(await exits(3, 'push', at('file'), 'nobody:/srv'), /nobody/)
  assert.match(await exits(2, 'push', at('file'), 'web'), /no place in a guest/)
  assert.deepEqual(
    readdirSync(here).filter((name) => name.startsWith('.croft-')),
    [],
  )
})

test('Ctrl-C ends a transfer: nothing half is left, in the guest or here', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  await farm.inGuest('web', 'sh', '-c', 'mkdir /srv/big; truncate -s 100G /srv/big/zeros')
  const interrupted = async (...words: string[]): Promise<number | null> => {
    const child = farm.background('host', { file: process.execPath, args: [entry, ...words] })
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    await farm.waitFor(() => readdirSync(here).some((name) => name.startsWith('.croft-')))
    child.kill('SIGINT')
    return ended
  }
  assert.equal(await interrupted('pull', 'web:/srv/big', at('big')), 1)
  assert.deepEqual(
    readdirSync(here).filter((name) => /big|croft-/.test(name)),
    [],
  )
  assert.equal(await farm.inGuest('web', 'sh', '-c', 'pidof tar || echo none'), 'none')
})
