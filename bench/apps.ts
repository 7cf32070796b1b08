/** Applications: from a changed folder to what serves, a build beside its commands by hand, and what an instance takes. */
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addBases, addExampleBases, type Example, exampleFolder } from '../test/system/bases.ts'
import type { TestFarm } from '../test/system/farm.ts'
import type { Pace } from './many.ts'
import { type Figure, measure } from './measure.ts'

const used = ['node', 'python', 'php', 'java'] as const satisfies readonly Example[]
const comment: Readonly<Record<string, string>> = { node: 'server.js', java: 'src/Main.java' }

export async function apps(farm: TestFarm, pace: Pace): Promise<{ figures: Figure[]; memory: string[] }> {
  const work = mkdtempSync(join(tmpdir(), 'croft-bench-'))
  const entry = process.env.CROFT_ENTRY ?? ''
  const inFolder = async (name: Example, ...words: string[]): Promise<void> => {
    const command = { file: entry, args: words, cwd: join(work, name), env: farm.env(), timeoutMs: 300_000 }
    const { code, stderr } = await farm.host(command)
    if (code !== 0) throw new Error(`croft ${words.join(' ')} in ${name}: ${stderr}`)
  }
  /** Another tree, and so another release. */
  const change = async (name: Example): Promise<void> =>
    appendFileSync(join(work, name, comment[name] ?? ''), `// ${performance.now()}\n`)
  try {
    await addExampleBases(farm, used)
    await addBases(farm, ['hand:v1'])
    for (const name of used) cpSync(exampleFolder(name), join(work, name), { recursive: true })
    for (const name of used) await inFolder(name, 'deploy')
    await change('node')
    await inFolder('node', 'build', 'notes', '--as', 'other')
    await farm.croftOk('create', 'hand', 'hand:v1', 'memory=2G')
    await farm.croftOk('push', join(work, 'java/src'), 'hand:/srv/')
    const byHand =
      'cd /srv && rm -rf classes app.jar && javac -d classes src/Main.java && jar --create --file app.jar --main-class Main -C classes .'
    const [first, other] = await releases(farm)
    let turn = 0
    const rows = [
      {
        what: 'deploy of a changed folder, examples/node: build, new instance, old one gone',
        contestants: [{ name: 'croft', before: () => change('node'), run: () => inFolder('node', 'deploy') }],
      },
      {
        what: 'deploy of a release that is there, to the new one serving and the old one gone',
        contestants: [
          {
            name: 'croft',
            run: async () =>
              void (await farm.croftOk('deploy', 'notes/prod', (turn++ % 2 === 0 ? first : other) ?? '')),
          },
        ],
      },
      {
        what: 'build of examples/java',
        contestants: [
          { name: 'croft', before: () => change('java'), run: () => inFolder('java', 'build', 'echo') },
          {
            name: 'its commands in a guest that is there',
            run: async () => void (await farm.inGuest('hand', 'sh', '-c', byHand)),
          },
        ],
      },
    ]
    const figures: Figure[] = []
    for (const row of rows) {
      pace.say(row.what)
      figures.push(...(await measure(row, Math.min(pace.runs, 5), pace.idleMs)))
    }
    const usage = await farm.json<{ name: string; memoryBytes: number | null }[]>('top')
    const memory = usage
      .filter(({ name }) => name.includes('/'))
      .map(
        ({ name, memoryBytes }) =>
          `| instance ${name}, its files cached | ${Math.round((memoryBytes ?? 0) / 1024 ** 2)} |`,
      )
    return { figures, memory }
  } finally {
    rmSync(work, { recursive: true })
  }
}

async function releases(farm: TestFarm): Promise<string[]> {
  const all = await farm.json<{ version: string }[]>('release', 'ls', 'notes')
  return ['other', all.find(({ version }) => version !== 'other')?.version ?? '']
}
