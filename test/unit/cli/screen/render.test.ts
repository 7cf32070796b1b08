import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CroftError } from '../../../../src/api/errors.ts'
import { type Answer, type Column, done, rows } from '../../../../src/cli/answer.ts'
import { bytesText, cell, durationText } from '../../../../src/cli/screen/cells.ts'
import { toCsv } from '../../../../src/cli/screen/csv.ts'
import { lines, oneLine } from '../../../../src/cli/screen/escape.ts'
import { errorText, type RenderOptions, render } from '../../../../src/cli/screen/render.ts'
import { cut, styleOf, width } from '../../../../src/cli/screen/style.ts'
import { toYaml } from '../../../../src/cli/screen/yaml.ts'

const now = Date.parse('2026-01-02T03:04:05Z')
const plain = { colour: false, unicode: true, columns: undefined }
const options = (more: Partial<RenderOptions> = {}): RenderOptions => ({
  format: 'table',
  fields: [],
  columns: [],
  sort: undefined,
  style: plain,
  now,
  ...more,
})

interface Row {
  readonly name: string
  readonly state: string
  readonly memory: number | null
  readonly since: string
  readonly why?: string
}
const columns: readonly Column<Row>[] = [
  { title: 'NAME', get: (row) => row.name },
  { title: 'STATE', as: 'state', get: (row) => row.state },
  { title: 'MEMORY', as: 'bytes', get: (row) => row.memory },
  { title: 'AGE', as: 'age', get: (row) => row.since },
  { title: 'HOST', wide: true, get: () => 'ash' },
  { title: 'WHY', sparse: true, elastic: true, get: (row) => row.why },
]
const some: readonly Row[] = [
  { name: 'web10', state: 'running', memory: 1536 * 1024 ** 2, since: '2026-01-02T03:01:00Z' },
  {
    name: 'web9',
    state: 'failed',
    memory: null,
    since: '2025-12-28T03:04:05Z',
    why: 'no room left on the pool of this host',
  },
  { name: 'db', state: 'stopped', memory: 512 * 1024 ** 2, since: '2026-01-02T01:04:05Z' },
]
const table = (records = some): Answer => rows(records, columns, { name: (row) => row.name, empty: 'none' })

test('a table: capitals, two spaces, numbers right, ages, signs', () => {
  assert.equal(
    render(table(), options()).out,
    [
      'NAME   STATE      MEMORY  AGE  WHY',
      'web10  ● running  1.5 GB  3m   –',
      'web9   ✗ failed        –  5d   no room left on the pool of this host',
      'db     ○ stopped  512 MB  2h   –',
      '',
    ].join('\n'),
  )
})

test('without UTF-8 the signs are ASCII', () => {
  const { out } = render(table(), options({ style: { ...plain, unicode: false } }))
  assert.match(out, /web9 {3}x failed {8}-/)
  assert.ok(/^[\n\x20-\x7e]*$/.test(out))
})

test('on a terminal the elastic column gives way, elsewhere nothing is cut', () => {
  const narrow = render(table(), options({ style: { ...plain, columns: 50 } })).out.split('\n')
  for (const line of narrow) assert.ok(width(line) <= 50, line)
  assert.match(narrow[2] ?? '', /no room left on th…$/)
})

test('columns that no row fills are left out; -c and wide choose others', () => {
  assert.doesNotMatch(render(table(some.slice(0, 1)), options()).out, /WHY/)
  assert.match(render(table(), options({ format: 'wide' })).out, /^NAME.*HOST.*WHY\n/)
  assert.equal(render(table(some.slice(2)), options({ columns: ['host', 'na'] })).out, 'HOST  NAME\nash   db\n')
  assert.throws(
    () => render(table(), options({ columns: ['nmae'] })),
    (thrown) => {
      assert.ok(thrown instanceof CroftError)
      assert.match(`${thrown.message} ${thrown.hint}`, /did you mean "name"\? there are name state memory/)
      return true
    },
  )
})

test('sorting: numbers by value, words with their numbers in order, what is missing last', () => {
  const names = (sort: string) =>
    render(table(), options({ sort, format: 'name' }))
      .out.trim()
      .split('\n')
  assert.deepEqual(names('name'), ['db', 'web9', 'web10'])
  assert.deepEqual(names('-mem'), ['web10', 'db', 'web9'])
  assert.deepEqual(names('mem'), ['db', 'web10', 'web9'])
})

test('json and jsonl are the records untouched, or the fields named', () => {
  assert.deepEqual(JSON.parse(render(table(), options({ format: 'json' })).out), some)
  const each = render(table(), options({ format: 'jsonl', fields: ['name', 'memory'] })).out
  assert.equal(each.split('\n')[1], '{"name":"web9","memory":null}')
  assert.equal(render(table([]), options({ format: 'json' })).out, '[]\n')
})

test('json hides nothing and moves no terminal', () => {
  const evil = '\u001b]0;x\u0007\u009b31m\u202e\u2028\u007f\u{e0041}'
  const { out } = render(done('x', 'x', { record: { evil } }), options({ format: 'json' }))
  assert.ok(/^[\n\x20-\x7e]*$/.test(out), out)
  assert.deepEqual(JSON.parse(out), { evil })
})

test('an empty table says so on stderr alone', () => {
  assert.deepEqual(render(table([]), options()), { out: '', err: 'none\n' })
})

test('csv after RFC 4180, values as they are', () => {
  const text = toCsv([
    ['a', 'b'],
    ['x,y', 'say "hi"'],
    [null, 1024],
    ['two\nlines', { deep: 1 }],
  ])
  assert.equal(text, 'a,b\r\n"x,y","say ""hi"""\r\n,1024\r\n"two\nlines","{""deep"":1}"\r\n')
  assert.match(
    render(table(), options({ format: 'csv' })).out,
    /^name,state,memory,age,why\r\nweb10,running,1610612736,2026-/,
  )
})

test('yaml', () => {
  const value = {
    name: 'web',
    version: '12',
    on: 'yes',
    empty: [],
    none: {},
    nothing: null,
    list: [{ a: 1, b: ['x', 'two words'] }, [1, 2], 'a: b'],
    'odd key: ': '# no comment',
    text: 'line\nline',
    sign: '-1',
    deep: { deeper: { deepest: true } },
  }
  assert.equal(
    toYaml(value),
    [
      'name: web',
      'version: "12"',
      '"on": "yes"',
      'empty: []',
      'none: {}',
      'nothing: null',
      'list:',
      '  - a: 1',
      '    b:',
      '      - x',
      '      - two words',
      '  - - 1',
      '    - 2',
      '  - "a: b"',
      '"odd key: ": "# no comment"',
      'text: "line\\nline"',
      'sign: "-1"',
      'deep:',
      '  deeper:',
      '    deepest: true',
      '',
    ].join('\n'),
  )
})

test('several results: json says which failed, the rest goes on', () => {
  const answer: Answer = {
    kind: 'done',
    many: true,
    exit: 6,
    results: [
      { name: 'web', text: 'web stopped', record: { a: 1 } },
      { name: 'db', text: 'no', error: { code: 'BUSY', message: 'at work', hint: 'croft op ls' } },
    ],
  }
  assert.deepEqual(render(answer, options()), {
    out: '✓ web stopped\n',
    err: '✗ db: at work\n  → croft op ls\n',
  })
  assert.deepEqual(JSON.parse(render(answer, options({ format: 'json' })).out), [
    { name: 'web', ok: true, result: { a: 1 } },
    { name: 'db', ok: false, error: { code: 'BUSY', message: 'at work', hint: 'croft op ls' } },
  ])
  assert.equal(render(answer, options({ format: 'name' })).out, 'web\n')
})

test('an error: what and where, the last lines of the reason, the command to try', () => {
  const error = { message: 'web did not start\nexit 1\n\u001b[2Jgone', hint: 'croft logs web' }
  assert.equal(errorText(error, plain), '✗ web did not start\n    exit 1\n    \\e[2Jgone\n  → croft logs web\n')
})

test('no control character of a value reaches a terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const answer = rows([{ ...some[0], name: text, state: text, why: text } as Row], columns, {
        name: (row) => row.name,
      })
      for (const format of ['table', 'wide', 'json', 'jsonl', 'yaml', 'csv', 'name'] as const) {
        const { out } = render(answer, options({ format, style: { ...plain, columns: 80 } }))
        assert.ok(!/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(out), `${format}: ${JSON.stringify(out)}`)
      }
      assert.ok(!oneLine(text).includes('\n'))
      assert.ok(!/(?!\n)\p{Cc}/u.test(lines(text)))
    }),
    { numRuns: 40 },
  )
})

test('colour only where it is wanted', () => {
  const wants = (env: Record<string, string>, tty: boolean) => styleOf(env, { tty, columns: 80 }).colour
  assert.equal(wants({}, true), true)
  assert.equal(wants({}, false), false)
  assert.equal(wants({ NO_COLOR: '1' }, true), false)
  assert.equal(wants({ NO_COLOR: '' }, true), true)
  assert.equal(wants({ CLICOLOR_FORCE: '1' }, false), true)
  assert.equal(wants({ CLICOLOR_FORCE: '0' }, false), false)
  assert.equal(wants({ TERM: 'dumb' }, true), false)
  const { out } = render(table(), options({ style: { ...plain, colour: true } }))
  assert.match(out, /\u001b\[32m● running\u001b\[0m {2}1\.5 GB/)
})

test('widths, sizes, ages', () => {
  assert.equal(width('日本e\u0301'), 5)
  assert.equal(cut('日本語', 5), '日本…')
  const sizes: readonly [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KB'],
    [1536, '1.5 KB'],
    [1024 ** 2 - 1, '1 MB'],
    [10 * 1024 ** 3, '10 GB'],
    [123.4 * 1024 ** 3, '123 GB'],
  ]
  for (const [bytes, text] of sizes) assert.equal(bytesText(bytes), text, String(bytes))
  const ages: readonly [number, string][] = [
    [59_000, '59s'],
    [60_000, '1m'],
    [3_600_000, '1h'],
    [47 * 3_600_000, '47h'],
    [48 * 3_600_000, '2d'],
  ]
  for (const [ms, text] of ages) assert.equal(durationText(ms), text)
  assert.equal(cell('no date', 'age', now).text, 'no date')
})
