/** Every recipe can be asked for: its head is read, its values pass the schema, its shell parses. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { TemplateBuild } from '../../src/api/resources.ts'
import { readRecipe } from '../../src/cli/commands/template/recipes.ts'
import { flagTable } from '../../src/cli/words/flags.ts'
import { getDistribution } from '../../src/drivers/template/mmdebstrap/distributions.ts'

const folder = resolve(import.meta.dirname, '../../recipes')
const files = readdirSync(folder).sort()

test('all recipes are whole', () => {
  assert.deepEqual(files, ['java.sh', 'mail.sh', 'node.sh', 'php.sh', 'plain.sh', 'static.sh'])
  for (const file of files) {
    const { from, packages, port, script } = readRecipe(file, readFileSync(join(folder, file), 'utf8'))
    TemplateBuild.parse({ ref: `${file.slice(0, -3)}:v1`, from, packages, script })
    getDistribution(from)
    assert.ok(port === undefined || port < 65536)
    assert.equal(port === undefined, file === 'plain.sh')
    execFileSync('sh', ['-n'], { input: script })
    assert.ok(script.startsWith('#!/bin/sh -e\n'))
    assert.ok(flagTable.recipe.means.includes(file.slice(0, -3)), file)
  }
})

test('what is no recipe is refused', () => {
  for (const text of [
    '',
    '#!/bin/sh\necho x',
    '# recipe: x\n\n# from: debian:12\n',
    '# recipe: x\n# from: debian:12\n# port: 0x10\n',
  ])
    assert.throws(() => readRecipe('x', text), { code: 'USAGE' }, text)
})
