import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byVersion, lackOf, mixedVersions, tooOldFor, tooOldText, type Versions } from '../../../src/plan/versions.ts'

const versions: Versions = {
  hosts: {
    ash: { version: '0.10.0', abilities: ['carry', 'moves'] },
    birch: { version: '0.9.1', abilities: ['carry'] },
  },
  needs: ['carry'],
}

test('who cannot is named with its croft; who has said nothing can nothing', () => {
  assert.deepEqual(tooOldFor('carry', versions, ['ash', 'birch']), [])
  assert.equal(tooOldText(tooOldFor('moves', versions, ['ash', 'birch'])), 'birch (croft 0.9.1)')
  assert.equal(tooOldText(tooOldFor('carry', versions, ['cedar'])), 'cedar (croft of an older kind)')
})

test('what the store needs and this croft cannot, also when it has never heard of it', () => {
  assert.equal(lackOf(versions, { abilities: ['carry'] }), undefined)
  assert.equal(lackOf({ needs: ['carry', 'wings'] }, { abilities: ['carry'] }), 'wings')
})

test('mixed: the newest, and all that have another one', () => {
  assert.deepEqual(mixedVersions(versions, ['ash', 'birch']), {
    newest: '0.10.0',
    older: [{ host: 'birch', version: '0.9.1' }],
  })
  assert.equal(mixedVersions(versions, ['ash']), undefined)
  assert.equal(mixedVersions(versions, []), undefined)
  assert.deepEqual(mixedVersions(versions, ['ash', 'cedar'])?.older, [{ host: 'cedar', version: undefined }])
})

test('versions in their order', () => {
  const ordered = ['0.9', '0.9.1', '0.10.0', '0.10.0-rc1', '1.0.0', 'a']
  assert.deepEqual(ordered.toSorted(byVersion), ordered)
  assert.deepEqual(ordered.toReversed().toSorted(byVersion), ordered)
})
