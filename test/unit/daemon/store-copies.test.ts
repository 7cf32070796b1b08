import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { copyBeforeUpgrade, noteVersion } from '../../../src/daemon/store-copies.ts'

const top = mkdtempSync(join(tmpdir(), 'croft-copies-'))
after(() => rmSync(top, { recursive: true }))
let file = ''
beforeEach(() => {
  file = join(mkdtempSync(join(top, 'store-')), 'croft.db')
})
const copies = (): string => join(file, '../copies')

test('a new store is not copied; the same version copies nothing', async () => {
  assert.equal(copyBeforeUpgrade(file, '1.0'), undefined)
  writeFileSync(file, 'one')
  await noteVersion(file, '1.0')
  assert.equal(copyBeforeUpgrade(file, '1.0'), undefined)
})

test('another version copies store and log as they are, for root alone, there and back', async () => {
  writeFileSync(file, 'one')
  writeFileSync(`${file}-wal`, 'log')
  await noteVersion(file, '1.0')
  assert.equal(copyBeforeUpgrade(file, '2.0'), join(copies(), '1.0'))
  assert.deepEqual(readdirSync(join(copies(), '1.0')).sort(), ['croft.db', 'croft.db-wal'])
  assert.equal(statSync(copies()).mode & 0o777, 0o700)
  await noteVersion(file, '2.0')
  rmSync(`${file}-wal`)
  writeFileSync(file, 'two')
  assert.equal(copyBeforeUpgrade(file, '1.0'), join(copies(), '2.0'))
  assert.equal(readFileSync(join(copies(), '2.0/croft.db'), 'utf8'), 'two')
})

test('a copy that a crash cut short is made anew; of many three stay; a version is never a path', async () => {
  writeFileSync(file, 'one')
  mkdirSync(join(copies(), 'unknown.new'), { recursive: true })
  writeFileSync(join(copies(), 'unknown.new/croft.db-wal'), 'half')
  for (const [age, version] of ['1.0', '../../etc', '2.0', '3.0', '4.0'].entries()) {
    const to = copyBeforeUpgrade(file, '9.0') ?? ''
    utimesSync(to, age, age)
    writeFileSync(join(file, '../version'), `${version}\n`)
  }
  assert.deepEqual(readdirSync(copies()).sort(), ['2.0', '3.0', 'unknown'])
  assert.deepEqual(readdirSync(join(copies(), 'unknown')), ['croft.db'])
})
