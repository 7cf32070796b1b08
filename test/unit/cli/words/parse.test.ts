import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CroftError } from '../../../../src/api/errors.ts'
import { commandName } from '../../../../src/cli/command.ts'
import { commands } from '../../../../src/cli/table.ts'
import { parse } from '../../../../src/cli/words/parse.ts'

const read = (line: string | readonly string[]) => parse(commands, typeof line === 'string' ? line.split(' ') : line)

function run(line: string | readonly string[]) {
  const parsed = read(line)
  assert.equal(parsed.kind, 'run', `${line} is no command but ${parsed.kind}`)
  return parsed as Extract<typeof parsed, { kind: 'run' }>
}

function refusal(line: string): CroftError {
  try {
    const parsed = read(line)
    if (parsed.kind === 'unknown') return parsed.error
  } catch (thrown) {
    assert.ok(thrown instanceof CroftError)
    assert.equal(thrown.code, 'USAGE')
    return thrown
  }
  throw new Error(`${line} was taken`)
}

test('noun and verb in either order, guest without a noun', () => {
  const same: readonly [line: string, command: string][] = [
    ['ls', 'ls'],
    ['guest ls', 'ls'],
    ['ls guests', 'ls'],
    ['guests', 'ls'],
    ['template ls', 'template ls'],
    ['ls templates', 'template ls'],
    ['templates', 'template ls'],
    ['build template debian:12', 'template build'],
    ['template build debian:12', 'template build'],
    ['host plan', 'host plan'],
    ['plan host', 'host plan'],
    ['op', 'op ls'],
    ['operations', 'op ls'],
    ['status', 'status'],
    ['data get guest/web', 'data get'],
    ['data', 'data ls'],
    ['guest show web', 'show'],
    ['-q ls', 'ls'],
    ['-o json template ls', 'template ls'],
  ]
  for (const [line, command] of same) assert.equal(commandName(run(line).row), command, line)
})

test('the shape of the first word picks the noun', () => {
  assert.equal(commandName(run('rm web').row), 'rm')
  assert.equal(commandName(run('rm web@monday').row), 'snapshot rm')
  assert.equal(commandName(run('restore web@monday').row), 'snapshot restore')
  assert.equal(commandName(run('rm debian:12').row), 'template rm')
  assert.equal(commandName(run('show debian:12').row), 'template show')
  assert.equal(commandName(run('clone web@monday web2').row), 'clone')
})

test('words from elsewhere work and name the native one', () => {
  const foreign: readonly [line: string, command: string][] = [
    ['launch web debian:12', 'create'],
    ['list', 'ls'],
    ['info web', 'show'],
    ['describe template debian:12', 'template show'],
    ['delete web', 'rm'],
    ['pause web', 'freeze'],
  ]
  for (const [line, command] of foreign) {
    const parsed = run(line)
    assert.equal(commandName(parsed.row), command)
    assert.equal(parsed.notes.length, 1)
    assert.match(parsed.notes[0] ?? '', new RegExp(`"${line.split(' ')[0]}" is "${parsed.row.verb}" here`))
  }
})

test('history and revert take any noun, before or behind', () => {
  for (const line of ['history template debian:12', 'template history debian:12', 'history templates debian:12']) {
    const parsed = run(line)
    assert.equal(parsed.noun, 'template', line)
    assert.equal(parsed.args.one('NAME'), 'debian:12')
  }
  const reverted = run('revert guest web 41')
  assert.deepEqual([reverted.noun, reverted.args.one('NAME'), reverted.args.one('REVISION')], ['guest', 'web', '41'])
  assert.equal(run('revert guest/web 41').noun, undefined)
})

test('key=value words, in any place', () => {
  const parsed = run('create memory=1G web label.owner=lark debian:12 cpu=')
  assert.equal(parsed.args.one('NAME'), 'web')
  assert.equal(parsed.args.one('TEMPLATE'), 'debian:12')
  assert.deepEqual(parsed.settings, [
    ['memory', '1G'],
    ['label.owner', 'lark'],
    ['cpu', ''],
  ])
  assert.match(refusal('create web debian:12 memroy=1G').hint ?? '', /memory=/)
})

test('the words of a program are not ours', () => {
  assert.deepEqual(run(['exec', 'web', '--', 'ls', '-la', '--', '-o']).command, ['ls', '-la', '--', '-o'])
  assert.deepEqual(run(['exec', 'web', 'ls', '-la', '--json']).command, ['ls', '-la', '--json'])
  assert.deepEqual(run(['exec', '-e', 'A=1', 'web', 'env']).command, ['env'])
  assert.deepEqual(run(['guest', 'exec', 'web', 'sh', '-c', 'exit 3']).command, ['sh', '-c', 'exit 3'])
  const many = run(['exec', 'web', 'db', '--', 'true'])
  assert.deepEqual(many.args.many('GUEST'), ['web', 'db'])
  assert.deepEqual(run(['exec', '--all', '--', 'true']).command, ['true'])
  assert.equal(run(['exec', 'web']).command, undefined)
  assert.match(refusal('start web -- true').message, /no words behind --/)
})

test('flags, long and short, with their values', () => {
  const parsed = run('ls web* -l owner=lark -l tier --sort -mem -c name,state -o wide -w')
  assert.deepEqual(parsed.flags.texts('label'), ['owner=lark', 'tier'])
  assert.equal(parsed.flags.text('sort'), '-mem')
  assert.deepEqual(parsed.flags.list('columns'), ['name', 'state'])
  assert.equal(parsed.flags.text('output'), 'wide')
  assert.ok(parsed.flags.has('watch'))
  assert.equal(run('ls -vv').flags.count('verbose'), 2)
  assert.equal(run('ls --json').flags.text('json'), '')
  assert.deepEqual(run('ls --json=name,ipv4').flags.list('json'), ['name', 'ipv4'])
  assert.equal(run('start web --wait=stable').flags.text('wait'), 'stable')
  assert.equal(run('edit web -f -').flags.text('file'), '-')
  assert.ok(run('logs web -f').flags.has('follow'))
  assert.deepEqual(run('create web debian:12 -p 8080:80 -p 53:53/udp').flags.texts('publish'), ['8080:80', '53:53/udp'])
  assert.deepEqual(run('rm - -y').args.many('GUEST'), ['-'])
})

test('what is wrong is refused with what was probably meant', () => {
  const wrong: readonly [line: string, message: RegExp, hint: RegExp][] = [
    ['strat web', /no command "strat"/, /croft start/],
    ['plan', /"plan" is for a host/, /croft host plan/],
    ['restore web', /"restore" is for a snapshot/, /croft restore web@monday/],
    ['farm', /what of the farm\? It has .*show/, /croft help farm/],
    ['host pln', /nothing that a host has/, /croft host plan/],
    ['start host', /a host has no "start"; a guest, a site has/, /croft help host/],
    ['ls --jsn', /does not know --jsn/, /--json/],
    ['ls --dry-run', /does not take --dry-run/, /croft help ls/],
    ['ls -Z', /does not know -Z/, /croft help ls {3}\(--label --all/],
    ['ls -o', /-o needs FORMAT/, /--output FORMAT {3}\(table, wide/],
    ['ls -o -q', /-o needs FORMAT/, /--output FORMAT/],
    ['ls --quiet=yes', /--quiet takes no value/, /croft help ls/],
    ['create web', /TEMPLATE is missing/, /croft create NAME TEMPLATE/],
    ['rename web a b', /one word too many/, /croft rename GUEST NAME/],
  ]
  for (const [line, message, hint] of wrong) {
    const error = refusal(line)
    assert.match(error.message, message, line)
    assert.match(error.hint ?? '', hint, line)
  }
})

test('help anywhere', () => {
  assert.deepEqual(read([]), { kind: 'help', words: [] })
  assert.deepEqual(read(['--help']), { kind: 'help', words: [] })
  assert.deepEqual(read('create web --help'), { kind: 'help', words: ['guest', 'create'] })
  assert.deepEqual(read('template build -h'), { kind: 'help', words: ['template', 'build'] })
  assert.deepEqual(read('help template build'), { kind: 'help', words: ['template', 'build'] })
  assert.equal(commandName(run('--version').row), 'version')
  assert.deepEqual(run('exec web ls --help').command, ['ls', '--help'])
})

test('an unknown first word may be a program croft-WORD, with its words untouched', () => {
  const parsed = read(['fancy', '-x', '--', 'y'])
  assert.equal(parsed.kind, 'unknown')
  assert.deepEqual(parsed.kind === 'unknown' && [parsed.word, parsed.rest], ['fancy', ['-x', '--', 'y']])
})

test('every command has a summary and examples, and every example parses to it', () => {
  for (const row of commands) {
    assert.ok(row.summary.length > 3, commandName(row))
    assert.ok(row.examples.length > 0, commandName(row))
    for (const example of row.examples) {
      const words = example.match(/'[^']*'|"[^"]*"|\S+/g)?.map((word) => word.replace(/^(['"])(.*)\1$/s, '$2')) ?? []
      assert.equal(words[0], 'croft', example)
      const parsed = read(words.slice(1))
      if (row.verb === 'help') assert.equal(parsed.kind, 'help', example)
      else assert.equal(run(words.slice(1)).row, row, example)
    }
  }
})

test('one row for each noun and verb', () => {
  const names = commands.map(commandName)
  assert.deepEqual(names, [...new Set(names)])
})

test('whatever is typed, nothing but CroftError is thrown', () => {
  const known = commands.flatMap((row) => [row.verb, row.noun ?? 'web'])
  const odd = [
    '-',
    '--',
    '-o',
    '--json=',
    '--sort',
    '-l',
    '--__proto__',
    '__proto__',
    '--constructor=1',
    'a=b',
    "'*'",
    '\u0000',
    '-p',
    '',
  ]
  const word = fc.oneof(fc.constantFrom(...known, ...odd), fc.string({ maxLength: 12 }))
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
      try {
        read(argv)
      } catch (thrown) {
        assert.ok(thrown instanceof CroftError, String(thrown))
      }
    }),
    { numRuns: 1000 },
  )
})
