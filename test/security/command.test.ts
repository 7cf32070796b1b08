/** Hostile words as every argument, flag and setting of every command, against a real daemon. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandRow } from '../../src/cli/command.ts'
import type { Io } from '../../src/cli/io.ts'
import { runCli } from '../../src/cli/run.ts'
import { commands } from '../../src/cli/table.ts'
import { flagRow, flagsOf } from '../../src/cli/words/flags.ts'
import { hostileTexts } from './hostile.ts'
import { useSharedFarm } from './shared.ts'

const farm = await useSharedFarm()
await farm.croftOk('create', 'victim', 'debian:12', '--no-start', 'label.owner=lark')
await farm.croftOk('snapshot', 'add', 'victim@snap')
await farm.croftOk('site', 'add', 'shop/prod')

/** What begins a daemon, prepares the host, opens an editor, asks other machines, or reads and writes any file is not run here. */
const elsewhere = new Set(['export', 'pull', 'push', 'daemon', 'host-prepare', 'init', 'edit', 'doctor', 'login'])
/** The folder that one stands in is packed before anything is asked. */
const sendsFolder = ({ noun, verb }: CommandRow): boolean => noun === 'app' && (verb === 'build' || verb === 'deploy')
const good: Readonly<Record<string, string>> = {
  ...{ GUEST: 'victim', NAME: 'shop', TEMPLATE: 'debian:12', SNAPSHOT: 'victim@snap', HOST: 'ash' },
  ...{ OPERATION: 'abcdefghijkl', KEY: 'farm', JSON: '{}', METHOD: 'GET', PATH: '/v1/guests', REVISION: '1' },
  ...{ TOKEN: 'lark', FARM: 'local', WHERE: '-', FILE: '/nowhere/file', 'GUEST:/PATH': 'victim:/etc/hosts' },
  ...{ SOURCE: '/nowhere/file', DEST: '/nowhere/dest', SHELL: 'bash', ADDRESS: '203.0.113.9' },
  ...{ CERT: 'shop.example.org', DOMAIN: 'shop.example.org', APP: 'shop', SITE: 'shop/prod', RELEASE: 'shop:v1' },
  ...{ METADATA: '/nowhere/file', BUILD: '4f9c2a1b7e0d', VERSION: 'v1', NUMBER: '2' },
  ...{ SIZE: 'small', SECRET: 'DB_PASSWORD', VALUE: 'x', SETTING: 'env.A', 'SETTING=VALUE': 'env.A=1' },
  ...{ ROUTE: 'shop.example.org', 'DOMAIN/PATH': 'shop.example.org', 'GUEST:PORT': 'victim:80' },
  ...{ 'HOST_FOLDER:GUEST_FOLDER': '/nowhere/music:/mnt/music', ro: 'ro', GUEST_FOLDER: '/mnt/music' },
  ...{ PORT: '8080:80', RULE: 'from', PREFIX: 'farm', WORD: 'create', ACT: 'restore' },
  ...{ VOLUME: 'shop/prod:uploads', NETWORK: 'office' },
}

test('every command refuses what is hostile in one clear line, and changes nothing', async () => {
  const before = await pictureOfFarm()
  const faults: string[] = []
  let ran = 0
  for (const row of commands.filter((row) => !elsewhere.has(row.verb) && !sendsFolder(row))) {
    for (const words of attempts(row)) {
      const said = await run(words)
      ran += 1
      const fault = faultOf(said)
      if (fault !== undefined)
        faults.push(
          `${JSON.stringify(words).slice(0, 200)}: ${fault} (exit ${said.exit}) ${JSON.stringify(said.stderr.slice(0, 300))}`,
        )
    }
  }
  assert.ok(ran > 5000, `${ran}`)
  assert.deepEqual(faults.slice(0, 15), [], `${faults.length} of ${ran}`)
  assert.equal(await pictureOfFarm(), before)
})

/** Each argument, flag and setting in turn is hostile, the others are as they should be. */
function* attempts(row: CommandRow): Generator<string[]> {
  const start = [...(row.noun === undefined ? [] : [row.noun]), row.verb]
  const names = row.args.map((arg) => arg.replace(/[[\].]/g, ''))
  const words = names.map((name) => good[name] ?? assert.fail(`no good ${name} is known`))
  const end = [...(row.changes ? ['--dry-run'] : []), '-y', ...(row.command === 'required' ? ['--', 'true'] : [])]
  // A lone dash is stdin, which is that of the test itself.
  for (const [at] of names.entries())
    for (const text of hostileTexts.filter((text) => row.verb !== 'push' || text !== '-'))
      yield [...start, ...words.toSpliced(at, 1, text), ...end]
  for (const flag of flagsOf(row)) {
    if (flagRow(flag).value === undefined) continue
    for (const text of sample(flag)) yield [...start, ...words, `--${flag}=${text}`, ...end]
  }
  for (const setting of row.settings ?? []) {
    for (const text of sample(setting)) yield [...start, ...words, `${setting.replace('*', 'owner')}=${text}`, ...end]
    for (const text of sample(`${setting}.`)) yield [...start, ...words, `${setting.replace('*', text)}=x`, ...end]
  }
}

/** Every fifth, beginning elsewhere for each name, so that together all are tried. */
const sample = (name: string): string[] => hostileTexts.filter((_, at) => (at + name.length) % 5 === 0)

interface Said {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

const shown = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

function faultOf({ exit, stdout, stderr }: Said): string | undefined {
  if (shown.test(stdout.replaceAll('\n', '')) || shown.test(stderr.replaceAll('\n', ''))) return 'a control character'
  if (exit === 0) return undefined
  if (![2, 3, 4, 5, 6, 125].includes(exit)) return 'an exit code of no refusal'
  if (stdout !== '') return 'a failure on stdout'
  const json = stderr.startsWith('{')
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('  →'))
  return json || (/^✗ \S/.test(lines.at(-1) ?? '') && lines.length <= 2) ? undefined : 'no clear line'
}

async function run(words: readonly string[]): Promise<Said> {
  const said = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') => ({
    tty: false,
    columns: 80,
    write(text: string) {
      said[name] += text
    },
  })
  const io: Io = {
    env: { CROFT_SOCKET: farm.socket, LC_ALL: 'C.UTF-8', NO_COLOR: '1' },
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    stdinTty: false,
    readStdin: async () => '',
    readTextFile: async (path) => {
      throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' })
    },
    ask: async () => undefined,
    askHidden: async () => undefined,
    onInterrupt: () => ({ [Symbol.dispose]: () => undefined }),
    sleep: async () => undefined,
    now: () => Date.now(),
    elapsedMs: () => 0,
  }
  return { exit: await runCli(words, io), ...said }
}

async function pictureOfFarm(): Promise<string> {
  const lists = ['apps', 'sites', 'guests', 'snapshots', 'templates', 'hosts/ash/plan', 'history', 'operations', 'data']
  return (await Promise.all(lists.map(async (list) => (await farm.api('GET', `/v1/${list}`)).text))).join('\n')
}
