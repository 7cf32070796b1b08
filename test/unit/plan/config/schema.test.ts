import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { jsonSchema } from '../../../../src/plan/config/json-schema.ts'
import { anyName, sections } from '../../../../src/plan/config/paths.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | false
  readonly type?: string
}

test('docs/croft.schema.json is what croft.toml is read by (else: node script/schema.ts)', () => {
  const text = readFileSync(new URL('../../../../docs/croft.schema.json', import.meta.url), 'utf8')
  assert.deepEqual(JSON.parse(text), structuredClone(jsonSchema()))
})

test('paths of values and the schema know the same names', () => {
  const { properties = {} } = jsonSchema() as Schema
  assert.deepEqual(Object.keys(properties).sort(), Object.keys(sections).sort())
  for (const [name, section] of Object.entries(sections)) {
    const table = properties[name] as Schema
    if (name === 'env') continue
    const inside = section.named ? (table.additionalProperties as Schema) : table
    assert.deepEqual(Object.keys(inside.properties ?? {}).sort(), Object.keys(section.fields).sort(), name)
    assert.equal(inside.additionalProperties, false)
    for (const [field, key] of Object.entries(section.fields))
      assert.equal(
        key === anyName,
        typeof inside.properties?.[field]?.additionalProperties === 'object',
        `${name}.${field}`,
      )
  }
})
