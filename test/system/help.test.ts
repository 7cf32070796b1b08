/** The examples that help shows work: each is run, in the order of the table, in a farm that has what it names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { commands } from '../../src/cli/table.ts'
import { helpText } from '../../src/cli/words/help.ts'
import type { Outcome } from '../../src/drivers/exec/command.ts'
import { wordsOf } from '../console.ts'
import { isEndless, notRun, otherExits, prepare, tidy, wordsFor } from './examples.ts'
import { createTestFarm, useFarm } from './farm.ts'

const farm = await useFarm()

/** A record, or a password. */
function stdinOf(example: string): string {
  if (example.includes('sizes/nano -')) return '{"schema":1,"name":"nano","memoryBytes":268435456}'
  return /user=|^croft secret set/.test(example) ? 'a long secret\n' : ''
}

async function runExample(example: string): Promise<Outcome> {
  await prepare(farm, example)
  return farm.croftWith({ stdin: stdinOf(example) }, ...(await wordsFor(farm, example)))
}

/** Those that end with whoever runs them, side by side. */
async function watchExamples(examples: readonly string[]): Promise<Outcome[]> {
  for (const example of examples) await prepare(farm, example)
  let watching = true
  const all = Promise.all(
    examples.map(async (example) => farm.croftWith({ timeoutMs: 10_000 }, ...(await wordsFor(farm, example)))),
  ).finally(() => {
    watching = false
  })
  // So that there is something to see, once they look.
  for (let i = 0; watching; i++) {
    await farm.croftOk('set', 'web', `label.seen=${i}-${Date.now()}`)
    await sleep(500)
  }
  return all
}

const told = (example: string, { code, stdout, stderr }: Outcome): string =>
  `${example}: exit ${code}\n${stderr}${stdout.slice(0, 500)}`

test('every example of help does what it says', async () => {
  const wrong: string[] = []
  for (const row of commands) {
    for (const example of row.examples) {
      if (notRun.has(example) || row.verb === 'init' || isEndless(example)) continue
      const said = await runExample(example)
      const fine = (otherExits.get(example) ?? [0]).includes(said.code ?? -1)
      if (!fine) wrong.push(told(example, said))
    }
  }
  const endless = commands.flatMap(({ examples }) => examples).filter((each) => isEndless(each) && !notRun.has(each))
  for (const [at, said] of (await watchExamples(endless)).entries()) {
    const example = endless[at] ?? ''
    const fine =
      said.timedOut && (said.stdout !== '' || /--unit|route logs|replica ls|ls (builds|instances)/.test(example))
    if (!fine) wrong.push(told(example, said))
  }
  await farm.croftOk('rm', '--all', '-y')
  await tidy(farm)
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
    const text = helpText(commands, [...(row.noun ? [row.noun] : []), row.verb], [])
    for (const example of row.examples) assert.ok(text.includes(example), example)
  }
  const [first] = commands.filter(({ examples }) => examples.length > 0)
  const said = await farm.croftOk('help', ...(first?.noun ? [first.noun] : []), first?.verb ?? '')
  assert.ok(said.includes(first?.examples[0] ?? 'none'))
})
