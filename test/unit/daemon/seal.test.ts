/** What the store may hold of a secret. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isCode } from '../../../src/api/errors.ts'
import { openSeal, sealWith } from '../../../src/daemon/pki/seal.ts'

const lost = (thrown: unknown) => isCode(thrown, 'DATA_LOST')
const secret = '-----BEGIN PRIVATE KEY-----\nmine\n'

test('what was sealed opens again, twice never looks the same, and shows nothing of the secret', () => {
  const seal = sealWith(randomBytes(32))
  const [one, two] = [
    seal.seal('certificates/acme/a.example', secret),
    seal.seal('certificates/acme/a.example', secret),
  ]
  assert.notEqual(one, two)
  assert.ok(!one.includes('mine') && !Buffer.from(one.split('.')[3] ?? '', 'base64url').includes('mine'))
  for (const each of [one, two]) assert.equal(seal.open('certificates/acme/a.example', each), secret)
})

test('another key, another record, a changed or cut text: nothing opens', () => {
  const seal = sealWith(randomBytes(32))
  const text = seal.seal('a', secret)
  assert.throws(() => sealWith(randomBytes(32)).open('a', text), lost)
  assert.throws(() => seal.open('b', text), lost)
  const parts = text.split('.')
  for (let length = 0; length < text.length; length++) assert.throws(() => seal.open('a', text.slice(0, length)), lost)
  const flipped = Buffer.from(parts[3] ?? '', 'base64url')
  for (let at = 0; at < flipped.length; at++) {
    flipped[at] = (flipped[at] ?? 0) ^ 1
    const changed = [...parts.slice(0, 3), flipped.toString('base64url')].join('.')
    assert.throws(() => seal.open('a', changed), lost)
    flipped[at] = (flipped[at] ?? 0) ^ 1
  }
  for (const odd of ['', '....', `${text}.`, `croft2.${parts.slice(1).join('.')}`, 'x'.repeat(100_000)])
    assert.throws(() => seal.open('a', odd), lost)
})

test('the key is made once, for root alone; one that cannot be read is a loss', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'croft-seal-'))
  try {
    const path = join(folder, 'pki')
    const first = await openSeal(path)
    const again = await openSeal(path)
    assert.equal(again.id, first.id)
    assert.equal(again.open('n', first.seal('n', secret)), secret)
    assert.deepEqual(await readdir(path), ['seal.key'])
    assert.equal((await stat(join(path, 'seal.key'))).mode & 0o777, 0o600)
    const text = await readFile(join(path, 'seal.key'), 'utf8')
    for (const broken of ['', text.slice(1), `${text}${text}`, 'x\n']) {
      await writeFile(join(path, 'seal.key'), broken)
      await assert.rejects(openSeal(path), lost)
      assert.equal(await readFile(join(path, 'seal.key'), 'utf8'), broken)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
