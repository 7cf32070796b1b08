/** The scripts of `croft completion`, in the shells they are for. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { useFarm } from './farm.ts'

const farm = await useFarm()
const main = process.env.CROFT_ENTRY || new URL('../../src/cli/main.ts', import.meta.url).pathname
const bin = join(farm.stateDir, 'bin')
const scripts = { bash: join(bin, 'croft.bash'), zsh: join(bin, 'croft.zsh'), fish: join(bin, 'croft.fish') }
mkdirSync(bin)
writeFileSync(join(bin, 'croft'), `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`)
chmodSync(join(bin, 'croft'), 0o755)
for (const shell of ['bash', 'zsh', 'fish'] as const)
  writeFileSync(scripts[shell], await farm.croftOk('completion', shell))

async function shell(file: string, ...args: string[]): Promise<string[]> {
  const env = { ...farm.env(), PATH: `${bin}:${farm.env().PATH}` }
  const { code, stdout, stderr } = await farm.host({ file, args, env, cwd: '/', timeoutMs: 60_000 })
  assert.deepEqual([code, stderr], [0, ''], `${file} ${args.join(' ')}`)
  return stdout.split('\n').filter((line) => line !== '')
}

/** As bash does it at Tab: the whole line, and where the cursor is. */
const bashTab = `source "$1"
COMP_LINE=$2 COMP_POINT=\${#2}
_croft
printf '%s\\n' "\${COMPREPLY[@]}"`
const bash = (line: string) => shell('bash', '--norc', '-c', bashTab, 'bash', scripts.bash, line)

/** The names that zsh would offer: its own functions, which ask a terminal, are stood in for. */
const zshStandIns = `
compdef() { : }
_files() { print -r -- files }
_describe() { local name=$4 entry; for entry in "\${(@P)name}"; do print -r -- "$entry"; done }
compadd() { shift 3; print -rl -- "$@" }
source $1
words=("\${(@s: :)2}"); CURRENT=$#words
_croft`
const zsh = (line: string) => shell('zsh', '-f', '-c', zshStandIns, 'zsh', scripts.zsh, line)

const fish = (line: string) =>
  shell('fish', '--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', scripts.fish, line)

test('bash, zsh and fish complete verbs, names, flags and settings of the farm', async () => {
  await farm.croftOk('create', 'web', 'debian:12', '--no-start')
  await farm.croftOk('create', 'wide', 'debian:12', '--no-start')
  await farm.croftOk('snapshot', 'add', 'web@monday')
  assert.deepEqual(await bash('croft unfr'), ['unfreeze'])
  assert.deepEqual(await bash('croft start w'), ['web', 'wide'])
  assert.deepEqual(await bash('croft start web '), ['wide'])
  assert.deepEqual(await bash('croft snapshot restore web@m'), ['monday'], 'bash keeps what is before @')
  assert.deepEqual(await bash('croft snapshot add wi'), ['wide@'])
  assert.deepEqual(await bash('croft create new debian:'), ['12'])
  assert.deepEqual(await bash('croft set web autostart=n'), ['no'])
  assert.deepEqual(await bash('croft set web size=ti'), ['tiny'])
  assert.deepEqual(await bash('croft ls --outp'), ['--output'])
  assert.deepEqual(await bash('croft ls -o jsonl'), ['jsonl'])
  assert.deepEqual(await bash('croft start $(touch /tmp/x) `id` "'), [])

  assert.deepEqual(await zsh('croft start w'), ['web:stopped', 'wide:stopped'])
  assert.match((await zsh('croft snapshot restore web@'))[0] ?? '', /^web@monday:/)
  assert.deepEqual(await zsh('croft create new d'), ['debian\\:12:ready'])
  assert.deepEqual(await zsh('croft set web mem'), ['memory='])
  assert.deepEqual(await zsh('croft exec web ls '), ['files'])

  assert.deepEqual(await fish('croft start w'), ['web\tstopped', 'wide\tstopped'])
  assert.match((await fish('croft snapshot restore web@'))[0] ?? '', /^web@monday\t/)
  assert.deepEqual(await fish('croft set web mem'), ['memory=\thow much memory it may use: 512M, 2G'])
  assert.ok((await fish('croft ')).some((line) => line.startsWith('create\t')))
})

test('paths in a guest that runs; a guest that does not answer, or never ends, keeps nobody waiting', async () => {
  await farm.croftOk('create', 'web', 'debian:12')
  await farm.croftOk('create', 'wide', 'debian:12', '--no-start')
  await farm.inGuest(
    'web',
    'sh',
    '-c',
    'mkdir -p /srv/a/deep /srv/.hidden; touch /srv/ab "/srv/a b" "/srv/;x\n;y" "/srv/a;x"',
  )
  /** On a busy machine a Tab may come to nothing: people press it again. */
  const offers = async (line: string, words: readonly string[], of = bash) => {
    const same = async () => JSON.stringify(await of(line)) === JSON.stringify(words)
    await farm.waitFor(same, 60_000, `${line}: ${words.join(' ')}`)
  }
  await offers('croft pull web:/etc/hostn', ['/etc/hostname'])
  await offers('croft pull web:/srv/', ['/srv/a/', '/srv/ab'])
  await offers('croft pull web:/srv/.h', ['/srv/.hidden/'])
  await offers('croft edit web:/srv/a/', ['/srv/a/deep/'])
  await offers('croft pull web:/etc/hostn', ['web\\:/etc/hostname'], zsh)
  assert.deepEqual(await bash('croft pull web:/srv/../nowhere/'), [])
  assert.deepEqual(await bash('croft pull wide:/etc/'), [], 'a guest that rests is not asked')
  for (const liar of [
    'trap "" TERM INT HUP; while :; do sleep 1; done',
    'yes name',
    'echo ../x; echo /etc/x; echo a/b/c',
    'exit 1',
  ]) {
    await farm.croftWith({ stdin: `#!/bin/sh\n${liar}\n` }, 'push', '-', 'web:/usr/local/bin/ls', '--chmod', '0755')
    if (liar.startsWith('yes')) await offers('croft pull web:/srv/', ['/srv/name'])
    else assert.deepEqual(await bash('croft pull web:/srv/'), [], liar)
  }
})

test('the scripts are whole in each shell, and a daemon that is away is no reason to speak', async () => {
  assert.deepEqual(await shell('bash', '-n', scripts.bash), [])
  assert.deepEqual(await shell('zsh', '-n', scripts.zsh), [])
  assert.deepEqual(await shell('fish', '-n', scripts.fish), [])
  await farm.stopDaemon()
  assert.deepEqual(await bash('croft start w'), [])
  assert.deepEqual(await bash('croft snapsh'), ['snapshot'])
  await farm.startDaemon()
})
