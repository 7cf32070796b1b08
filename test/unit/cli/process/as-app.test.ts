/** What a command in an instance knows, tried with the shell of this machine in place of the guest's. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Context } from '../../../../src/cli/context.ts'
import { asApp } from '../../../../src/cli/process/as-app.ts'
import { environmentText } from '../../../../src/plan/units/text.ts'

const context = (flags: Readonly<Record<string, readonly string[]>> = {}): Context =>
  ({
    flags: {
      has: (name: string) => name in flags,
      text: (name: string) => flags[name]?.[0],
      texts: (name: string) => flags[name] ?? [],
    },
  }) as unknown as Context

test('guests are left alone, and so are instances with --plain or a user', () => {
  for (const [flags, guest] of [
    [{}, 'web'],
    [{ plain: [] }, 'shop/prod/1'],
    [{ user: ['root'] }, 'shop/prod/1'],
  ] as const)
    assert.deepEqual(asApp(context(flags), guest, ['id', '-u']), ['id', '-u'])
  assert.throws(() => asApp(context({ cwd: ['srv'] }), 'shop/prod/1', ['id']), { code: 'USAGE' })
})

test('every value arrives as it was written, and nothing of one is run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'as-app-'))
  try {
    const values = { A: `$(touch ${folder}/pwned) \`id\` "q" 'q' \\ $HOME`, B: 'two\nlines', C: '', D: '$', E: '!x #' }
    const file = join(folder, 'environment')
    writeFileSync(file, environmentText(values))
    const look = ['perl', '-e', 'print join("\\0", map { $ENV{$_} } qw(A B C D E HOME)), "\\0", `ls`']
    const words = asApp(context({ cwd: [folder], env: ['D=mine', 'lost'] }), 'shop/prod/1', look)
    // Who it becomes is the guest's affair; all before that is tried.
    const script = (words[2] ?? '').replace('/etc/croft/environment', file).replace(/exec setpriv .* -- /, 'exec ')
    const said = execFileSync('sh', ['-c', script, ...words.slice(3)], { encoding: 'utf8' })
    assert.deepEqual(said.split('\0'), [...Object.values({ ...values, D: 'mine' }), '/srv/app', 'environment\n'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
