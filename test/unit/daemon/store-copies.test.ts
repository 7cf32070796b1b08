import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, beforeEach, describe, test } from 'node:test'
import { copyBeforeUpgrade } from '../../../src/daemon/store-copies.ts'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'

const top = mkdtempSync(join(tmpdir(), 'croft-copies-'))
after(() => rmSync(top, { recursive: true }))
let file = ''
const copies = (): string => join(file, '../copies')
const noted = (): string => readFileSync(join(file, '../version'), 'utf8').trim()

/** What a daemon of that version does, up to its first write; and that write. */
async function start(version: string, wish?: string): Promise<string | undefined> {
  let copy: string | undefined
  const store = await openSqliteStore({
    ...{ path: file, now: () => 0, newId: () => 'id' },
    beforeWriting: (found) => {
      copy = copyBeforeUpgrade(file, version, found)
    },
  })
  if (wish !== undefined) await store.transact([], [{ put: 'wish', value: wish }])
  await store.close()
  return copy
}

function read(database: string, sql: string): unknown {
  const opened = new DatabaseSync(database)
  try {
    return Object.values(opened.prepare(sql).get() ?? {})[0]
  } finally {
    opened.close()
  }
}

const wishIn = (version: string) =>
  read(join(copies(), version, 'croft.db'), `SELECT value FROM entry WHERE key = 'wish'`)
const schemaIn = (version: string) => read(join(copies(), version, 'croft.db'), 'PRAGMA user_version')

/** As a later croft would leave it, which knows forms that this one does not. */
function writeSchema(schema: number): void {
  const opened = new DatabaseSync(file)
  opened.exec(`PRAGMA user_version = ${schema}`)
  opened.close()
}

describe('copies of the store', () => {
  beforeEach(() => {
    file = join(mkdtempSync(join(top, 'store-')), 'croft.db')
  })

  test('a new store is not copied; the same version copies nothing', async () => {
    assert.deepEqual([await start('1.0', 'one'), noted()], [undefined, '1.0'])
    assert.equal(await start('1.0', 'two'), undefined)
  })

  test('another version copies the store as it was before its first write, for root alone, there and back', async () => {
    await start('1.0', 'one')
    assert.equal(await start('2.0', 'two'), join(copies(), '1.0'))
    assert.deepEqual([readdirSync(join(copies(), '1.0')), wishIn('1.0'), noted()], [['croft.db'], '"one"', '2.0'])
    assert.equal(statSync(copies()).mode & 0o777, 0o700)
    assert.equal(await start('1.0', 'three'), join(copies(), '2.0'))
    assert.deepEqual([wishIn('1.0'), wishIn('2.0')], ['"one"', '"two"'])
  })

  test('a version that does not read the store copies nothing and is not noted: the way back to it stays', async () => {
    await start('1.0', 'one')
    await start('2.0', 'two')
    writeSchema(99)
    const before = readdirSync(dirname(file))
    await assert.rejects(start('1.0'), { code: 'REFUSED' })
    assert.deepEqual([noted(), readdirSync(dirname(file)), readdirSync(copies())], ['2.0', before, ['1.0']])
    assert.deepEqual([wishIn('1.0'), schemaIn('1.0')], ['"one"', 1])
  })

  test('a copy is never replaced by one of a newer form', async () => {
    await start('1.0', 'one')
    await start('2.0', 'two')
    const older = { schema: 99, copyTo: () => assert.fail('copied') }
    writeFileSync(join(file, '../version'), '1.0\n')
    assert.equal(copyBeforeUpgrade(file, '2.0', older), undefined)
    assert.deepEqual([wishIn('1.0'), noted()], ['"one"', '2.0'])
  })

  test('a copy that fails leaves the store unopened, and the version that had it noted', async () => {
    await start('1.0', 'one')
    writeFileSync(copies(), 'in the way')
    await assert.rejects(start('2.0'), /ENOTDIR|EEXIST/)
    assert.equal(noted(), '1.0')
  })

  test('a copy that a crash cut short is made anew; of many three stay; a version is never a path', async () => {
    await start('1.0', 'one')
    rmSync(join(file, '../version'))
    mkdirSync(join(copies(), 'unknown.new'), { recursive: true })
    writeFileSync(join(copies(), 'unknown.new/croft.db'), 'half')
    for (const [age, version] of ['1.0', '../../etc', '2.0', '3.0', '4.0'].entries()) {
      const to = (await start('9.0')) ?? ''
      utimesSync(to, age, age)
      writeFileSync(join(file, '../version'), `${version}\n`)
    }
    assert.deepEqual(readdirSync(copies()).sort(), ['2.0', '3.0', 'unknown'])
    assert.deepEqual([readdirSync(join(copies(), 'unknown')), wishIn('unknown')], [['croft.db'], '"one"'])
  })
})
