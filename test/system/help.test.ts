/** The examples that help shows work: each is run, in the order of the table, in a farm that has what it names. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Guest } from '../../src/api/guest.ts'
import type { HistoryEntry, Operation } from '../../src/api/resources.ts'
import { commands } from '../../src/cli/table.ts'
import type { Outcome } from '../../src/drivers/exec/command.ts'
import { wordsOf } from '../console.ts'
import { createTestFarm, useFarm } from './farm.ts'

const farm = await useFarm()

const notRun: ReadonlyMap<string, string> = new Map([
  ['croft daemon', 'every test farm runs it; it does not end'],
  ['croft host-prepare', 'changes the machine that the test runs on; script/setup runs it'],
  ['croft host-prepare --undo', 'takes away what other farms on the machine need'],
  ['croft init meadow --pool device --pool-path /dev/nvme1n1 --erase nvme1n1', 'wants a disk of that name'],
  ['croft template build debian:12', 'wants mirrors; the cache of the test farms builds it'],
  [
    'croft template build web:v1 --from debian:12 --packages nginx-light,curl --script setup.sh',
    'wants mirrors; test/contract/template-mmdebstrap.test.ts builds such a one',
  ],
  ['croft exec web -- apt-get update', 'wants mirrors'],
  ['croft edit web', 'wants a terminal for the editor; the same with a file is run'],
])

/** Where another exit than 0 is the right answer here. */
const otherExits: ReadonlyMap<string, readonly number[]> = new Map([
  ['croft doctor', [0, 9]],
  ['croft doctor -o json', [0, 9]],
  // There is no Docker in the farm.
  ['croft doctor --fix docker', [3]],
])

/** Guests that an example is going to make must not be there; all others that it may name must. */
const makes = [
  { pattern: /^croft (create|api POST)/, name: 'web' },
  { pattern: /^croft clone/, name: 'web2' },
  { pattern: /^croft rename/, name: 'shop' },
]

async function prepare(example: string): Promise<void> {
  if ((await farm.json<unknown[]>('template', 'ls')).length === 0) await farm.addTemplate()
  const made = makes.find(({ pattern }) => pattern.test(example))?.name
  const guests = await farm.json<Guest[]>('ls')
  const wanted = ['web', 'pg', ...(example.includes('test-') ? ['test-1'] : [])]
  for (const { name } of guests) if (name === made || !wanted.includes(name)) await farm.croftOk('rm', name, '-y')
  if (/^croft (template )?rm debian/.test(example)) return void (await farm.croftOk('rm', '--all', '-y'))
  for (const name of wanted.filter((each) => each !== made)) {
    const guest = guests.find((each) => each.name === name)
    if (!guest) await farm.croftOk('create', name, 'debian:12', 'memory=256M', 'label.owner=lark')
    else if (guest.status?.state !== 'running') await farm.croftOk('start', name)
    if (/@monday/.test(example)) await takeMonday(name)
  }
  if (example === 'croft snapshot add web@monday') await farm.croftOk('snapshot', 'rm', 'web@monday', '-y')
  if (example.startsWith('croft revert'))
    await farm.croftOk('set', 'web', `label.for=${Buffer.from(example).toString('hex')}`)
  await writeFile(join(farm.stateDir, 'settings.json'), '{"memory":"300M"}')
}

async function takeMonday(name: string): Promise<void> {
  const taken = await farm.json<{ name: string }[]>('snapshot', 'ls', name)
  if (!taken.some((snapshot) => snapshot.name === 'monday')) await farm.croftOk('snapshot', 'add', `${name}@monday`)
}

/** Ids and revisions are those of the moment; what asks is told yes. */
async function wordsFor(example: string): Promise<string[]> {
  const words = wordsOf(example).slice(1)
  const [operation] = await farm.json<Operation[]>('op', 'ls')
  const revision = example.includes('sizes/nano')
    ? (await farm.json<{ key: string; revision: number }[]>('data', 'ls', 'sizes/nano'))[0]?.revision
    : words.includes('41')
      ? (await farm.json<HistoryEntry[]>('history', 'web'))[0]?.revision
      : undefined
  const now = words.map((word) =>
    word === 'k3f9d2m1c0aa' ? (operation?.id ?? word) : word === '41' ? String(revision) : word,
  )
  if (example.startsWith('croft edit web -f')) now[now.length - 1] = join(farm.stateDir, 'settings.json')
  const asks = /^croft (rm|restore|data set|revert|snapshot r|template rm)/.test(example) && !now.includes('-y')
  return asks ? [...now, '-y'] : now
}

const isEndless = (example: string): boolean => / -w| -f\b.*(jsonl)|(logs|events) web -f/.test(example)

async function runExample(example: string): Promise<Outcome> {
  await prepare(example)
  const words = await wordsFor(example)
  const endless = isEndless(example)
  return farm.croftWith(
    {
      stdin: example.includes('sizes/nano -') ? '{"schema":1,"name":"nano","memoryBytes":268435456}' : '',
      ...(endless ? { timeoutMs: 3000 } : {}),
    },
    ...words,
  )
}

test('every example of help does what it says', async () => {
  const wrong: string[] = []
  for (const row of commands) {
    for (const example of row.examples) {
      if (notRun.has(example) || row.verb === 'init') continue
      const said = await runExample(example)
      const endless = isEndless(example)
      const fine = endless
        ? said.timedOut && (said.stdout !== '' || example.includes('events'))
        : (otherExits.get(example) ?? [0]).includes(said.code ?? -1)
      if (!fine) wrong.push(`${example}: exit ${said.code}\n${said.stderr}${said.stdout.slice(0, 500)}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('the examples of init start a farm', async () => {
  const rows = commands.filter(({ verb }) => verb === 'init').flatMap(({ examples }) => examples)
  const examples = rows.filter((example) => !notRun.has(example))
  assert.ok(examples.length > 0)
  for (const example of examples) {
    await using fresh = await createTestFarm({ ready: false })
    const said = await fresh.croft(...wordsOf(example).slice(1))
    assert.equal(said.code, 0, `${example}\n${said.stderr}`)
    assert.match(await fresh.croftOk('status'), /^farm /)
  }
})

test('what is not run is an example, and help shows all that are listed', async () => {
  const examples = new Set(commands.flatMap((row) => row.examples))
  for (const example of [...notRun.keys(), ...otherExits.keys()]) assert.ok(examples.has(example), example)
  for (const row of commands) {
    const text = await farm.croftOk('help', ...(row.noun ? [row.noun] : []), row.verb)
    for (const example of row.examples) assert.ok(text.includes(example), example)
  }
})
