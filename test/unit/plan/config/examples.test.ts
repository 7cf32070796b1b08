/** What the documents show as croft.toml is read by croft. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { platformNames } from '../../../../src/api/app.ts'
import { parseAppFile } from '../../../../src/plan/config/parse.ts'
import { fieldsOf, sections } from '../../../../src/plan/config/paths.ts'
import { resolveConfig } from '../../../../src/plan/config/resolve.ts'
import { platforms } from '../../../../src/plan/platforms/table.ts'

const text = readFileSync(new URL('../../../../docs/croft-toml.md', import.meta.url), 'utf8')

test('every example of docs/croft-toml.md is read and resolved', () => {
  const examples = [...text.matchAll(/^```toml\n([\s\S]*?)^```/gm)].map(([, example = '']) => example)
  assert.ok(examples.length > 6)
  for (const example of examples) {
    const config = parseAppFile(example)
    const layers = [
      { name: 'platform' as const, from: '', config: platforms[config.app?.platform ?? 'plain'].defaults },
      { name: 'app' as const, from: '', config },
    ]
    assert.ok(resolveConfig(layers, { site: 'shop/prod', slot: 1 }).config, example)
  }
})

test('docs/croft-toml.md names every table, every field and every platform', () => {
  for (const [name, section] of Object.entries(sections)) {
    assert.match(text, new RegExp(`^## \\[${name}${section.named ? '\\.NAME' : ''}\\]$`, 'm'))
    const part = text.split(new RegExp(`^## \\[${name}`, 'm'))[1]?.split(/^## /m)[0] ?? ''
    for (const field of Object.keys(fieldsOf(name))) assert.ok(part.includes(`\`${field}\``), `${name}.${field}`)
  }
  for (const name of platformNames) assert.match(text, new RegExp(`^\\| ${name} \\|`, 'm'))
})

test('so is every croft.toml of applications of others', () => {
  const guide = readFileSync(new URL('../../../../docs/guides/applications-of-others.md', import.meta.url), 'utf8')
  const files = [...guide.matchAll(/^```toml\n([\s\S]*?)^```$/gm)].map(([, toml = '']) => toml)
  assert.equal(files.length, 4)
  for (const toml of files) {
    const config = parseAppFile(toml)
    const { name = '', platform = 'plain' } = config.app ?? {}
    const lowest = { name: 'platform', from: platform, config: platforms[platform].defaults } as const
    resolveConfig([lowest, { name: 'app', from: 'croft.toml', config }], { site: `${name}/prod`, slot: 1 })
  }
})
