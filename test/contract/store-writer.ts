/** Run as a process of its own, to be killed: writes pairs for ever, from where the last one ended, and says each one that was acknowledged. */
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'

const path = process.argv[2]
if (path !== undefined) {
  const store = await openSqliteStore({ path, now: () => performance.now(), newId: randomUUID })
  const last = (await store.get('last')).entry?.value ?? 0
  for (let count = Number(last) + 1; ; count++) {
    const value = { count, filling: 'x'.repeat(count % 3000) }
    await store.transact(
      [],
      [
        { put: `left/${count}`, value },
        { put: `right/${count}`, value },
        { put: 'last', value: count },
      ],
    )
    writeSync(1, `${count}\n`)
  }
}
