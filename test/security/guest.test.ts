/** A hostile root inside a real guest: the kernel before it, the host behind, and the operator who enters. */
import assert from 'node:assert/strict'
import { type StdioOptions, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import pty from '@lydell/node-pty'
import { inside } from '../system/places.ts'
import { asNobody, entry, plantCanary, probe, rootOf, useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
const canary = await plantCanary(['secret', 'agent', 'folder/'])
await Promise.all(['evil', 'near'].map((name) => farm.croftOk('create', name, 'debian:12')))
const root = await rootOf(farm, 'evil')
const run = (...command: string[]) => farm.croft('exec', 'evil', '--', ...command)

test('the kernel refuses what makes subvolumes, reads the host or breaks kernels, by every door', async () => {
  const answers = await probe(farm, 'evil', 'kernel.pl')
  assert.ok(answers.size > 70)
  // That this one is answered shows that the 32-bit door is open at all.
  answers.delete('x86.info')
  assert.deepEqual(
    [...answers].filter(([, what]) => what === 'done'),
    [],
  )
  const { stdout } = await farm.host({ file: 'btrfs', args: ['subvolume', 'list', '-o', root] })
  assert.equal(stdout, '')
  assert.equal((await run('touch', '/root/still-writable')).code, 0)
})

test('no file of the kernel, of the host or of a neighbour opens', async () => {
  const { daemonPid, stateDir, poolDir } = farm
  const answers = await probe(farm, 'evil', 'escape.pl', canary.path, String(daemonPid), stateDir, poolDir)
  assert.ok(answers.size > 50)
  assert.ok(Number(answers.get('processes')) < 100, 'its own processes only')
  assert.equal(answers.get('other roots'), '0')
  assert.equal(answers.get('abstract sockets of monitors'), '0')
  assert.deepEqual(
    [...answers].filter(([, what]) => what === 'done'),
    [],
  )
  await canary.assertWhole()
})

test('a device node that came with the disk does not open', async () => {
  const { stdout } = await farm.host({ file: 'findmnt', args: ['-nro', 'MAJ:MIN', '--target', '/'] })
  const [major = '', minor = ''] = stdout.trim().split(':')
  for (const [name, kind, ...numbers] of [
    ['disk', 'b', major, minor],
    ['loop', 'b', '7', '0'],
    ['memory', 'c', '1', '1'],
    ['kmsg', 'c', '1', '11'],
    ['fuse', 'c', '10', '229'],
    ['tun', 'c', '10', '200'],
  ] as const) {
    const made = await farm.host({ file: 'mknod', args: ['-m', '666', `${root}/root/${name}`, kind, ...numbers] })
    assert.equal(made.code, 0, made.stderr)
    const read = await run('head', '-c', '16', `/root/${name}`)
    assert.notEqual(read.code, 0, name)
    assert.equal(read.stdout, '')
    assert.match(read.stderr, /Operation not permitted/, name)
    assert.notEqual((await run('cp', '--archive', `/root/${name}`, '/root/copy')).code, 0)
  }
})

test('a setuid file of a guest is out of reach for users of the host', async () => {
  assert.equal((await run('install', '-m', '4755', '/bin/sh', '/root/suid')).code, 0)
  assert.equal((await run('chmod', '755', '/root')).code, 0)
  const path = `${root}/root/suid`
  assert.equal(statSync(path).mode & 0o4000, 0o4000)
  const tried = await farm.host(asNobody(path, '-p', '-c', 'id'))
  assert.notEqual(tried.code, 0, tried.stdout)
  assert.match(tried.stderr, /Permission denied/)
  assert.equal(statSync(farm.poolDir).mode & 0o777, 0o700)
})

test('each guest has ids of its own, far from everybody', async () => {
  const bases = await Promise.all(
    ['evil', 'near'].map(async (name) => {
      const [inner, outer, count] = (await farm.inGuest(name, 'cat', '/proc/self/uid_map'))
        .trim()
        .split(/\s+/)
        .map(Number)
      assert.deepEqual([inner, count], [0, 65536])
      return outer ?? 0
    }),
  )
  assert.ok(Math.abs((bases[0] ?? 0) - (bases[1] ?? 0)) >= 65536)
  assert.ok(bases.every((base) => base >= 0x70000000))
})

/** As an operator's shell or CI would: with a folder of the host open, which a guest must not get. */
test('only stdin, stdout and stderr go into a guest', async () => {
  const host = openSync('/', 'r')
  const { file, args } = inside(farm.namespaces.host, {
    file: process.execPath,
    args: [entry, 'exec', 'evil', '--', 'sh', '-c', 'ls /proc/$$/fd; ls -la /proc/$$/fd >&2; ls /proc/$$/fd/7'],
  })
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', host, 'ignore', 'ignore', 'ignore', host]
  const child = spawn(file, args, { stdio, env: farm.env() })
  try {
    const [stdout, stderr] = await Promise.all([text(child.stdout as Readable), text(child.stderr as Readable)])
    const open = stdout.trim().split('\n').map(Number)
    assert.deepEqual(
      open?.filter((fd) => fd > 2 && fd !== 10),
      [],
      stderr,
    )
  } finally {
    closeSync(host)
  }
})

test('a command inside cannot type into the terminal of the operator', async () => {
  const type =
    'for my $fd (0..2) { open(my $t, "+<&=", $fd); for my $c (split //, "pwned\\n") { ioctl($t, 0x5412, $c) } }'
  const said = await onTerminal(['exec', 'evil', '--', 'perl', '-e', type])
  assert.match(said, /typed:\[\]/)
  const [operator = ''] = /^operator (\S+)/m.exec(said)?.slice(1) ?? []
  const own = await onTerminal(['exec', 'evil', '--', 'perl', '-e', 'print join(":", (stat STDIN)[0, 6]), "\\n"'])
  assert.ok(operator !== '' && !own.includes(`\n${operator}\r`), 'another terminal than ours')
})

test('what a guest says is shown on a terminal, not obeyed', async () => {
  const nasty = '\u001b]0;pwned\u0007\u001b[2J\u009b31m'
  await run('sh', '-c', 'printf "%s\\n" "$1" | systemd-cat -t evil; printf "%s\\n" "$1" >/dev/console', 'sh', nasty)
  for (const words of [
    ['logs', 'evil', '--console'],
    ['logs', 'evil'],
    ['exec', 'evil', 'near', '--', 'printf', '%s\\n', nasty],
  ]) {
    const said = await onTerminal(words)
    for (const raw of ['\u001b]0;', '\u001b[2J', '\u009b', '\u0007']) assert.ok(!said.includes(raw), words.join(' '))
  }
})

test('the programs of the host that enter a guest are not written by it', async () => {
  const tools = ['/usr/bin/lxc-attach', '/usr/bin/lxc-start', process.execPath]
  const hashes = () => tools.map((tool) => createHash('sha256').update(readFileSync(tool)).digest('hex'))
  const before = hashes()
  await run('sh', '-c', 'printf "#!/proc/self/exe\\n" >/usr/local/bin/trap; chmod 755 /usr/local/bin/trap')
  const overwrite = `for (1..400) { for my $exe (glob "/proc/[0-9]*/exe") {
    print "opened $exe\\n" if (readlink($exe) // "") =~ /lxc|node/ && sysopen(my $f, $exe, 1) } select undef, undef, undef, 0.005 }`
  const [written] = await Promise.all([run('perl', '-e', overwrite), ...[1, 2, 3].map(() => run('trap'))])
  assert.equal(written.stdout, '')
  assert.deepEqual(hashes(), before)
})

test('a crash in a guest leaves no core on the host', async () => {
  const before = readdirSync('/')
  await run('sh', '-c', 'ulimit -c unlimited; cd /tmp; perl -e "kill 11, \\$\\$"')
  assert.equal(await farm.inGuest('evil', 'sh', '-c', 'ulimit -Hc; ls /tmp | grep -c core || :'), '0\n0')
  assert.deepEqual(readdirSync('/'), before)
})

test('a flood on the console stays small on the disk', async () => {
  await run('sh', '-c', 'yes 0123456789012345678901234567890123456789 | head -c 20000000 >/dev/console')
  const { number } = await farm.json<{ number: number }>('show', 'evil')
  const folder = `${farm.stateDir}/lxc/${number}`
  const sizes = readdirSync(folder).map((name) => statSync(`${folder}/${name}`).size)
  assert.ok(Math.max(...sizes) <= 1024 ** 2, `${sizes}`)
  assert.ok((await farm.api('GET', '/v1/guests/evil/console-log')).text.length < 300_000)
})

/** The command as people run it, in a terminal; then what was typed into that terminal meanwhile. */
async function onTerminal(words: readonly string[]): Promise<string> {
  const script =
    'perl -e \'print "operator ", join(":", (stat STDIN)[0, 6]), "\\n"\'; "$@"; read -r -t 0.3 line; echo "typed:[$line]"'
  const { file, args } = inside(farm.namespaces.host, {
    file: '/bin/bash',
    args: ['-c', script, 'bash', process.execPath, entry, ...words],
  })
  const terminal = pty.spawn(file, [...args], { cols: 120, rows: 40, env: { ...farm.env(), TERM: 'xterm' }, cwd: '/' })
  let said = ''
  terminal.onData((data) => {
    said += data
  })
  await new Promise((resolve) => terminal.onExit(resolve))
  return said
}
