import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeAttention } from '../../../src/plan/attention.ts'
import { type Exchange, isTurn, nextPhase, waitsFor } from '../../../src/plan/exchange.ts'

const living = ['ash', 'birch', 'cedar']
const at = (phase: Exchange['phase'], ...done: string[]): Exchange => ({ phase, from: 'birch', done })

test('where members start anew one host goes after another, first who made it; what is shown changes everywhere at once', () => {
  for (const phase of ['beside', 'alone'] as const) {
    assert.deepEqual(waitsFor(at(phase), living), ['birch', 'ash', 'cedar'])
    assert.deepEqual(
      living.filter((host) => isTurn(at(phase, 'birch'), living, host)),
      ['ash'],
    )
  }
  assert.deepEqual(
    living.filter((host) => isTurn(at('shown', 'birch'), living, host)),
    ['ash', 'cedar'],
  )
})

test('a phase ends when all that live are there; the last but one is ended by people', () => {
  assert.equal(nextPhase(at('beside', 'ash', 'birch'), living), undefined)
  assert.deepEqual(
    (['beside', 'shown', 'settled', 'alone'] as const).map((phase) => nextPhase(at(phase, ...living), living)),
    ['shown', 'settled', undefined, 'over'],
  )
  assert.equal(nextPhase(at('beside', 'ash', 'birch'), ['ash', 'birch']), 'shown', 'a dead one is not waited for')
})

test('status names who is waited for', () => {
  assert.deepEqual(exchangeAttention(at('beside', 'birch'), living), [
    { what: 'CA', why: 'the new CA comes: waits for ash, cedar', do: 'croft host show ash' },
  ])
  assert.deepEqual(exchangeAttention(at('settled'), living), [])
})
