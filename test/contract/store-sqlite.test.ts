/** What only a file can do: outlive a kill, be held by another, be damaged. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isCode } from '../../src/api/errors.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { cursor, type Store } from '../../src/store/store.ts'

const modeOf = (path: string): number => statSync(path).mode & 0o777

describe('store sqlite, its file', () => {
  let folder = ''
  let path = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'croft-store-'))
    path = join(folder, 'farm', 'store.db')
  })
  afterEach(() => rm(folder, { recursive: true }))
  const open = (): Promise<Store> => openSqliteStore({ path, now: () => performance.now(), newId: randomUUID })

  async function fill(): Promise<void> {
    const store = await open()
    for (let at = 0; at < 50; at++) await store.transact([], [{ put: `k${at}`, value: 'x'.repeat(5000) }])
    await store.close()
  }

  it('is kept with id, revisions, log and compaction', async () => {
    const store = await open()
    const { revision } = await store.transact([], [{ put: 'a', value: 1 }])
    await store.transact([], [{ put: 'a', value: 2 }])
    await store.compact(revision)
    await store.close()
    await using again = disposable(await open())
    assert.equal(again.store.id, store.id)
    assert.deepEqual(await again.store.get('a'), {
      revision: revision + 1,
      entry: { key: 'a', value: 2, revision: revision + 1, createRevision: revision },
    })
    const signal = new AbortController().signal
    const watch = again.store.watch('', { from: cursor(again.store, revision), signal })[Symbol.asyncIterator]()
    assert.equal((await watch.next()).value.revision, revision + 1)
    const early = Array.fromAsync(again.store.watch('', { from: cursor(again.store, revision - 1), signal }))
    await assert.rejects(early, { code: 'COMPACTED' })
  })

  it('is for its owner alone, with all that stands beside it', async () => {
    await using opened = disposable(await open())
    await opened.store.transact([], [{ put: 'secret', value: 1 }])
    const names = readdirSync(join(folder, 'farm')).sort()
    assert.deepEqual(names, ['store.db', 'store.db-wal'])
    assert.equal(modeOf(join(folder, 'farm')), 0o700)
    for (const name of names) assert.equal(modeOf(join(folder, 'farm', name)), 0o600, name)
  })

  it('is not put where others may write, and gets its mode back', async () => {
    mkdirSync(join(folder, 'farm'))
    chmodSync(join(folder, 'farm'), 0o777)
    await assert.rejects(open(), { code: 'REFUSED', hint: `chmod 700 ${join(folder, 'farm')}` })
    chmodSync(join(folder, 'farm'), 0o755)
    await fill()
    chmodSync(path, 0o644)
    await fill()
    assert.equal(modeOf(path), 0o600)
  })

  it('is refused to a second opener, in this process and in another', async () => {
    const store = await open()
    await assert.rejects(open(), { code: 'BUSY', hint: 'croft status' })
    const child = startWriter(path)
    assert.match(await child.errors, /BUSY/)
    await store.transact([], [{ put: 'a', value: 1 }])
    await store.close()
    await (await open()).close()
  })

  it('loses nothing acknowledged and keeps no half transaction when killed', async () => {
    for (const kills of [1, 20, 90]) {
      const child = startWriter(path)
      const acknowledged = await child.killAfter(kills)
      await using opened = disposable(await open())
      await checkPairs(opened.store, acknowledged)
    }
  })

  it('is refused when a newer croft wrote it, and left as it is', async () => {
    await fill()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    const before = readFileSync(path)
    await assert.rejects(open(), (error: Error) => isCode(error, 'REFUSED') && /schema 99/.test(error.message))
    assert.deepEqual(readFileSync(path), before)
  })

  it('is refused when it belongs to another program', async () => {
    mkdirSync(join(folder, 'farm'))
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE entry (x)')
    database.close()
    await assert.rejects(open(), { code: 'DATA_LOST' })
  })

  it('says that it is damaged, never begins anew', async () => {
    const damages: (() => void)[] = [
      () => truncateSync(path, 0),
      () => truncateSync(path, 1000),
      () => truncateSync(path, 3 * 4096),
      () => writeFileSync(path, 'not a database, but long enough to be read as the head of one'.repeat(200)),
      () => replaceByFolder(path),
      () => leaveOnlyLog(path),
    ]
    for (const damage of damages) {
      rmSync(join(folder, 'farm'), { recursive: true, force: true })
      await fill()
      damage()
      await assert.rejects(open(), (error: Error) => isCode(error, 'DATA_LOST') && error.message.includes(path))
    }
  })

  it('looks through its pages after it was not closed', async () => {
    await startWriter(path).killAfter(60)
    const wal = `${path}-wal`
    assert.ok(statSync(wal).size > 0)
    const database = new DatabaseSync(path)
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
    const bytes = readFileSync(path)
    bytes.fill(0xee, 4096 * 5, 4096 * 9)
    writeFileSync(path, bytes)
    writeFileSync(wal, 'left behind')
    await assert.rejects(open(), { code: 'DATA_LOST' })
  })

  it('finishes a making that was cut short', async () => {
    mkdirSync(join(folder, 'farm'))
    writeFileSync(`${path}.new`, '', { mode: 0o600 })
    await fill()
    assert.deepEqual(readdirSync(join(folder, 'farm')), ['store.db'])
  })

  it('does not write when read', async () => {
    await fill()
    await using opened = disposable(await open())
    const before = readFileSync(path)
    await opened.store.get('k1')
    await opened.store.list('')
    assert.deepEqual(readFileSync(path), before)
    assert.equal(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0, 0)
  })
})

function disposable(store: Store): AsyncDisposable & { readonly store: Store } {
  return { store, [Symbol.asyncDispose]: () => store.close() }
}

function replaceByFolder(path: string): void {
  rmSync(path)
  mkdirSync(path)
}

function leaveOnlyLog(path: string): void {
  rmSync(path)
  writeFileSync(`${path}-wal`, 'x')
}

/** A writer process: its words on stderr, and how to kill it after so many acknowledged writes. */
function startWriter(path: string) {
  const script = join(import.meta.dirname, 'store-writer.ts')
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  let words = ''
  child.stderr.on('data', (chunk) => {
    words += String(chunk)
  })
  const killAfter = async (lines: number): Promise<number> => {
    let last = 0
    let seen = 0
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line)
      if (++seen >= lines) child.kill('SIGKILL')
    }
    await ended
    return last
  }
  return { killAfter, errors: ended.then(() => words) }
}

async function checkPairs(store: Store, acknowledged: number): Promise<void> {
  const last = Number((await store.get('last')).entry?.value)
  assert.ok(last >= acknowledged, `${acknowledged} were acknowledged, ${last} are there`)
  for (let count = 1; count <= last; count++) {
    const left = (await store.get(`left/${count}`)).entry
    const right = (await store.get(`right/${count}`)).entry
    assert.deepEqual(left?.value, { count, filling: 'x'.repeat(count % 3000) })
    assert.deepEqual([right?.value, right?.revision], [left.value, left.revision])
  }
  assert.equal((await store.get(`left/${last + 1}`)).entry, undefined)
  assert.equal((await store.get(`right/${last + 1}`)).entry, undefined)
}
