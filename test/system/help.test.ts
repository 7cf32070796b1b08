/** The examples that help shows work: each is run, in the order of the table, in a farm that has what it names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { commands } from '../../src/cli/table.ts'
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
  const words = await wordsFor(farm, example)
  const said = farm.croftWith(
    {
      stdin: stdinOf(example),
      ...(isEndless(example) ? { timeoutMs: 3000 } : {}),
    },
    ...words,
  )
  // So that there is something to see, once it looks.
  for (let i = 0; i < 4 && isEndless(example) && example.startsWith('croft events'); i++) {
    await sleep(500)
    await farm.croftOk('set', 'web', `label.seen=${i}-${Date.now()}`)
  }
  return said
}

test('every example of help does what it says', async () => {
  const wrong: string[] = []
  for (const row of commands) {
    for (const example of row.examples) {
      if (notRun.has(example) || row.verb === 'init') continue
      const said = await runExample(example)
      const fine = isEndless(example)
        ? said.timedOut && (said.stdout !== '' || /--unit|route logs|ls (builds|instances)/.test(example))
        : (otherExits.get(example) ?? [0]).includes(said.code ?? -1)
      if (!fine) wrong.push(`${example}: exit ${said.code}\n${said.stderr}${said.stdout.slice(0, 500)}`)
    }
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
    const text = await farm.croftOk('help', ...(row.noun ? [row.noun] : []), row.verb)
    for (const example of row.examples) assert.ok(text.includes(example), example)
  }
})
