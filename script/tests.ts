/**
 * usage: node script/tests.ts JOBS FILE...   Test files side by side, a process each, begun in the order
 * given: `node --test` sorts them by name. Says at the end which took longest; script/test begins with those.
 */
import { relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const [jobs, ...files] = process.argv.slice(2)
const began = new Map<string, number>()
const took: { readonly file: string; readonly seconds: number }[] = []

const events = run({ files, concurrency: Number(jobs), timeout: 1_200_000 })
events.on('test:dequeue', ({ name, nesting }) => {
  if (nesting === 0 && files.includes(name)) began.set(name, performance.now())
})
events.on('test:complete', ({ name, nesting }) => {
  const from = nesting === 0 ? began.get(name) : undefined
  if (from !== undefined) took.push({ file: name, seconds: Math.round((performance.now() - from) / 1000) })
})
events.on('test:summary', ({ file, success }) => {
  if (file === undefined && !success) process.exitCode = 1
})
const output = events.compose(spec)
output.on('end', () => {
  const longest = took.toSorted((a, b) => b.seconds - a.seconds).slice(0, 30)
  const lines = longest.map(({ file, seconds }) => `${String(seconds).padStart(4)} s  ${relative('test', file)}\n`)
  process.stdout.write(lines.join(''))
})
output.pipe(process.stdout)
