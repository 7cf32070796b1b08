/** Files in and out of a guest that fights: it swaps folders and links, brings its own tools, and sends what was not asked for. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type NewEntry, padding, tarEnd, tarHeader } from '../../src/cli/files/tar-write.ts'
import { plantCanary, useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
const canary = await plantCanary(['sub/file', 'folder/', 'etc/passwd'])
const here = mkdtempSync('/var/tmp/croft-hostile-')
after(() => rmSync(here, { recursive: true, force: true }))
const at = (...parts: string[]) => join(here, ...parts)
await farm.croftOk('create', 'evil', 'debian:12')
const run = (...command: string[]) => farm.croft('exec', 'evil', '--', ...command)
const putProgram = async (path: string, text: string) => {
  const said = await farm.croftWith({ stdin: text }, 'push', '-', `evil:${path}`, '--chmod', '755')
  assert.equal(said.code, 0, said.stderr)
}

/** A folder becomes a link to where the canary lies, and a folder again, as fast as it goes. */
const swap = `my ($canary) = @ARGV; chdir "/srv" or die; mkdir "top"; mkdir "top/sub"; my $end = time + 60;
while (time < $end && !-e "/srv/stop") {
  rename "top/sub", "away"; symlink $canary, "top/sub"; select undef, undef, undef, 0.0005;
  unlink "top/sub"; rename "away", "top/sub";
  rename "top", "aside"; symlink $canary, "top"; unlink "top"; rename "aside", "top" }`

test('thousands of files go in and out while the guest swaps folders and links: the host stays whole', async () => {
  mkdirSync(at('top', 'sub'), { recursive: true })
  for (let index = 0; index < 2000; index++) writeFileSync(at('top', 'sub', `file${index}`), `pushed ${index}\n`)
  writeFileSync(at('file'), 'pushed\n')
  mkdirSync(at('out'))
  const swapping = run('perl', '-e', swap, canary.path)
  await farm.waitFor(async () => (await run('test', '-d', '/srv/away')).code === 0)
  for (let round = 0; round < 2; round++) {
    const said = await Promise.all([
      farm.croft('push', at('top'), 'evil:/srv'),
      farm.croft('push', at('file'), 'evil:/srv/top/sub/file'),
      farm.croft('pull', 'evil:/srv/top', at('out', `top${round}`)),
      farm.croft('pull', 'evil:/srv/top/sub/file', at('out', `file${round}`)),
    ])
    for (const { code, stderr } of said) assert.ok([0, 1, 3, 4, 6].includes(code ?? -1), stderr)
  }
  await run('touch', '/srv/stop')
  await swapping
  await canary.assertWhole()
  assert.deepEqual(readdirSync(here).sort(), ['file', 'out', 'top'])
  assert.ok(readdirSync(at('out')).every((name) => /^(top|file)\d$/.test(name)))
})

test('what a tar of the guest makes up is refused, and what it may send gets no powers', async () => {
  const top: Partial<NewEntry> & { name: string } = { name: 'top', kind: 'folder', mode: 0o755 }
  const archives: Record<string, [code: number, archive: Buffer]> = {
    up: [4, archive(top, { name: 'top/../../up', size: 0 })],
    absolute: [4, archive(top, { name: `${canary.path}/new` })],
    through: [6, archive(top, { name: 'top/l', kind: 'link', target: canary.path }, { name: 'top/l/sub/file' })],
    powers: [0, archive(top, { name: 'top/suid', mode: 0o6755, uid: 0 })],
    cut: [1, archive(top, { name: 'top/cut' }).subarray(0, 1100)],
  }
  await run('mkdir', '-p', '/srv/top')
  await putProgram('/root/tar', '#!/bin/sh\n[ "$1" = -x ] && exec /bin/tar.own "$@"\ncat /root/archive\n')
  await run('mv', '/bin/tar', '/bin/tar.own')
  await run('cp', '/root/tar', '/bin/tar')
  for (const [name, [code, bytes]] of Object.entries(archives)) {
    writeFileSync(at('archive'), bytes)
    await farm.croftOk('push', at('archive'), 'evil:/root/archive')
    const said = await farm.croft('pull', 'evil:/srv/top', at('got', '..', name))
    assert.equal(said.code, code, `${name}: ${said.stderr}`)
    assert.equal(existsSync(at(name)), code === 0 || code === 6, name)
  }
  assert.equal(statSync(at('powers', 'suid')).mode & 0o7777, 0o755)
  assert.deepEqual(readdirSync(at('through')), [])
  await run('sh', '-c', 'printf "#!/bin/sh\\ncat /root/head /dev/zero\\n" >/bin/tar')
  await run('sh', '-c', 'head -c 512 /root/archive >/root/head')
  const endless = await farm.croft('pull', 'evil:/srv/top', at('endless'), '--max', '2M')
  assert.notEqual(endless.code, 0)
  await run('cp', '/bin/tar.own', '/bin/tar')
  await canary.assertWhole()
  assert.deepEqual(
    readdirSync(here).filter((name) => name.startsWith('.croft')),
    [],
    'nothing half is left',
  )
})

test('a tool that lies is told of in printable words', async () => {
  await run('mv', '/usr/bin/stat', '/root/stat')
  for (const text of ['81a4 0 0', '81a4 x 0 0', '81a4 0 0 -1e999x', '\\033]0;pwned\\007', '-1 0 0 0']) {
    await run(
      'sh',
      '-c',
      `printf '#!/bin/sh\\nprintf "%%b" "${text}"; printf "%%b" "${text}" >&2\\n' >/usr/bin/stat; chmod 755 /usr/bin/stat`,
    )
    const said = await farm.croft('pull', 'evil:/etc/hostname', at('lied'))
    assert.notEqual(said.code, 0, text)
    assert.ok(!said.stderr.includes('\u001b'), said.stderr)
    assert.ok(!existsSync(at('lied')))
  }
  await run('mv', '/root/stat', '/usr/bin/stat')
})

test('of a stopped guest nothing runs, and its links lead nowhere but into itself', async () => {
  const trap = '#!/bin/sh\ntouch /root/ran\nexec /bin/true\n'
  for (const name of ['init.lxc', 'init.lxc.static']) await putProgram(`/usr/sbin/${name}`, trap)
  const up = '../'.repeat(40)
  await run(
    ...[
      'sh',
      '-c',
      'cd /srv; ln -s "$1" abs; ln -s "$2$1" rel; ln -s /proc/1/root root; ln -s "$1/etc/passwd" leaf',
      'sh',
    ],
    ...[canary.path, up],
  )
  await run('sh', '-c', `printf 'passwd: evil\\n' >/etc/nsswitch.conf; echo /root/evil.so >/etc/ld.so.preload`)
  await run('sh', '-c', 'for tool in tar stat mv busybox; do cp /usr/sbin/init.lxc /usr/local/bin/$tool; done')
  await farm.croftOk('stop', 'evil')
  for (const place of ['abs/sub/file', 'rel/sub/file', `abs/folder/new`, 'root/srv/new', 'leaf', 'plain']) {
    await farm.croft('push', at('file'), `evil:/srv/${place}`)
    await farm.croft('pull', `evil:/srv/${place}`, at(place.replaceAll('/', '-')))
  }
  assert.equal(readFileSync(at('plain'), 'utf8'), 'pushed\n')
  for (const place of ['abs-sub-file', 'rel-sub-file', 'abs-folder-new', 'leaf'])
    assert.ok(!existsSync(at(place)), place)
  await canary.assertWhole()
  await farm.croftOk('pull', 'evil:/root', at('root-folder'))
  assert.ok(!existsSync(at('root-folder', 'ran')))
  const { number } = await farm.json<{ number: number }>('show', 'evil')
  const left = readdirSync(`${farm.stateDir}/lxc`).filter((name) => name !== 'seccomp' && name !== String(number))
  assert.deepEqual(left, [])
})

function archive(...parts: readonly (Partial<NewEntry> & { name: string })[]): Buffer {
  const headers = parts.flatMap((part) => {
    const size = part.kind === undefined ? 4 : 0
    const common = { kind: 'file', mode: 0o644, uid: 0, gid: 0, mtimeMs: 0 } as const
    return [tarHeader({ ...common, ...part, size }), Buffer.from(size === 0 ? '' : 'evil'), padding(size)]
  })
  return Buffer.concat([...headers, tarEnd()])
}
