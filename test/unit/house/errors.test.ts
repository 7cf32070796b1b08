/** docs/errors.md and the table of codes are held to each other. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { CroftError, type ErrorCode, errorTable, isCode, toCroftError } from '../../../src/api/errors.ts'

const root = resolve(import.meta.dirname, '../../..')
const rows = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| |\s*\|$/g, '').trim()))

test('docs/errors.md tells every code, with its exit code, HTTP status and meaning', () => {
  const told = rows.map(([code, exit, status, means]) => [code?.replaceAll('`', ''), exit, status, means])
  const known = Object.entries(errorTable).map(([code, { exit, status, means }]) => [
    code,
    String(exit),
    String(status),
    means,
  ])
  assert.deepEqual(told.sort(), known.sort())
  for (const row of rows) assert.ok((row[4] ?? '').length > 10, `${row[0]}: what to do`)
})

test('every code can come: it is thrown or told somewhere', () => {
  const source = globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('api/errors.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n')
  // Verdicts are told by the CLI's exit code alone.
  const verdicts = ['PARTLY_FAILED', 'RED', 'DIFFERS']
  const codes = Object.keys(errorTable).filter((code) => !verdicts.includes(code))
  const unused = codes.filter((code) => !new RegExp(`['"]${code}['"]`).test(source))
  assert.deepEqual(unused, [])
})

test('exit codes are those of the CLI’s table, statuses those of HTTP', () => {
  for (const [code, { exit, status }] of Object.entries(errorTable)) {
    assert.ok(exit >= 1 && exit <= 10, code)
    assert.ok(status === 200 || (status >= 400 && status < 600), code)
  }
})

test('an error goes over the wire and back; what croft did not foresee is INTERNAL', () => {
  const error = new CroftError('EXISTS', 'there is one', { hint: 'croft ls' })
  assert.deepEqual(error.toBody(), { code: 'EXISTS', message: 'there is one', hint: 'croft ls' })
  assert.deepEqual(new CroftError('FAILED', 'no').toBody(), { code: 'FAILED', message: 'no' })
  assert.equal(toCroftError(error), error)
  const cause = new TypeError('x is not a function')
  assert.deepEqual([toCroftError(cause).code, toCroftError(cause).cause], ['INTERNAL', cause])
  assert.equal(toCroftError('plain').message, 'plain')
  const codes: ErrorCode[] = ['EXISTS', 'FAILED']
  assert.deepEqual(
    codes.map((code) => isCode(error, code)),
    [true, false],
  )
})

test('an error of the other bundle is one of ours', () => {
  const other = Object.assign(new Error('no such guest'), { name: 'CroftError', code: 'NOT_FOUND', hint: 'croft ls' })
  assert.ok(other instanceof CroftError)
  assert.ok(isCode(toCroftError(other), 'NOT_FOUND'))
  const foreign = Object.assign(new Error('no such file'), { name: 'CroftError', code: 'ENOENT' })
  assert.ok(!(foreign instanceof CroftError))
  assert.ok(isCode(toCroftError(foreign), 'INTERNAL'))
})
