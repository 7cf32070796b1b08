/** What holds for all configurations, whatever they say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CroftError } from '../../../../src/api/errors.ts'
import { linesOf } from '../../../../src/plan/config/compare.ts'
import { interpolator } from '../../../../src/plan/config/interpolate.ts'
import { merge, settled } from '../../../../src/plan/config/merge.ts'
import { parseAppFile } from '../../../../src/plan/config/parse.ts'
import { flatten, unflatten } from '../../../../src/plan/config/paths.ts'
import { type Layer, resolveConfig } from '../../../../src/plan/config/resolve.ts'
import { tomlOf } from '../../../../src/plan/config/write.ts'

const name = fc.constantFrom('A', 'B', 'toString', 'valueOf')
const text = fc.oneof(
  fc.constantFrom('${env.A}', '${env.B}x', 'a"b\\', 'x\ny', 'é😀'),
  fc.string().map((each) => each.replaceAll(/[\p{C}\p{Zl}\p{Zp}$]/gu, '')),
)
const line = text
  .filter((each) => !/\n/.test(each) && (each === '' || each.trim() !== ''))
  .map((each) => each.replaceAll('$', '_'))
const list = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '...'), { maxLength: 4 })
const layerText = fc.record(
  {
    env: fc.dictionary(name, text),
    build: fc.record({ packages: list, memoryBytes: fc.integer({ min: 1, max: 2 ** 40 }) }, { requiredKeys: [] }),
    daemon: fc.dictionary(
      fc.constantFrom('web', 'worker'),
      fc.record({
        command: fc.constant('a b'),
        port: fc.integer({ min: 1, max: 65535 }),
        unit: fc.dictionary(
          fc.constantFrom('Nice', 'Unit.After'),
          line.filter((each) => !each.endsWith('\\')),
        ),
        health: fc.constantFrom(
          { kind: 'tcp' as const },
          { kind: 'http' as const, path: '/up', intervalSeconds: 5 },
          { kind: 'exec' as const, command: 'x' },
        ),
      }),
    ),
    route: fc.record({
      settings: fc.constantFrom({ rate: '50/s' }, { noindex: true }),
      paths: fc.constantFrom({}, { '/a.b': 'web' }),
    }),
  },
  { requiredKeys: [] },
)

test('what is written as croft.toml is read again as the same', () => {
  fc.assert(
    fc.property(layerText, (config) => assert.deepEqual(parseAppFile(tomlOf(config)), unflatten(flatten(config)))),
  )
})

test('a configuration is its values by their paths, and they are it', () => {
  fc.assert(
    fc.property(layerText, (config) =>
      assert.deepEqual([...flatten(unflatten(flatten(config)))], [...flatten(config)]),
    ),
  )
})

test('which two layers are joined first makes no difference', () => {
  fc.assert(
    fc.property(layerText, layerText, layerText, (low, middle, high) => {
      const [a, b, c] = [flatten(low), flatten(middle), flatten(high)] as const
      assert.deepEqual(new Map([...merge(merge(a, b), c)].sort()), new Map([...merge(a, merge(b, c))].sort()))
    }),
  )
})

test('a value is of the layer that it is said to be of, and none above says anything', () => {
  fc.assert(
    fc.property(layerText, layerText, layerText, (low, middle, high) => {
      const plain = [low, middle, high].map((config) => ({
        ...config,
        env: Object.fromEntries(
          Object.entries(config.env ?? {}).map(([key, value]) => [key, value.replaceAll('$', '')]),
        ),
      }))
      const layers = (['platform', 'app', 'stage'] as const).map(
        (name, index): Layer => ({
          name,
          from: name,
          config: { daemon: { web: { command: 'x', port: 80 } }, ...plain[index] },
        }),
      )
      let resolved: ReturnType<typeof resolveConfig>
      try {
        resolved = resolveConfig(layers, { site: 'shop/prod', slot: 1 })
      } catch (thrown) {
        // Paths that lead to a daemon which is not there.
        assert.ok(thrown instanceof CroftError, String(thrown))
        return
      }
      for (const { path, origin, overridden = [] } of linesOf(resolved, true, layers)) {
        const saying = layers.filter(({ config }) => flatten(config).has(path)).map((layer) => layer.name)
        assert.equal(origin?.layer, saying.at(-1))
        assert.deepEqual(
          overridden.map((each) => each.origin.layer),
          saying.slice(0, -1).reverse(),
        )
        const top = layers.findLast(({ config }) => flatten(config).has(path))
        const value = top && flatten(top.config).get(path)
        if (typeof value === 'string') assert.equal(flatten(resolved.config as object).get(path), value)
      }
    }),
  )
})

test('replacing names comes to an end, with a text or a reason', () => {
  const keys = ['A', 'B', 'C', 'D', 'E']
  const part = fc.oneof(
    fc.constantFrom(...keys.map((key) => `\${env.${key}}`)),
    fc.constantFrom('x', '$${', '${', '${env.', '}', '$', '${secret.X}'),
  )
  fc.assert(
    fc.property(fc.array(fc.array(part, { maxLength: 6 }), { minLength: 5, maxLength: 5 }), (texts) => {
      const read = interpolator(new Map(keys.map((key, index) => [`env.${key}`, (texts[index] ?? []).join('')])), {})
      for (const key of keys) {
        try {
          assert.ok(String(settled(read(`env.${key}`))).length <= 64 * 1024)
        } catch (thrown) {
          assert.ok(thrown instanceof CroftError, String(thrown))
        }
      }
    }),
  )
})

test('no text whatever makes the reader fail in another way than by saying where', () => {
  const words = fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    '=',
    '.',
    '"',
    "'",
    '\n',
    '#',
    'daemon',
    'web',
    'env',
    'port',
    '1',
    ' ',
    ',',
    '"""',
    '\\',
    '\0',
    '\r',
    '__proto__',
    'constructor',
    'true',
    'inf',
    '1979-05-27',
  )
  fc.assert(
    fc.property(fc.array(words, { maxLength: 40 }), (parts) => {
      try {
        parseAppFile(parts.join(''))
      } catch (thrown) {
        assert.ok(thrown instanceof CroftError, String((thrown as Error).stack))
        assert.match(thrown.message, /^croft\.toml(:\d+:\d+)?[: ]/)
      }
    }),
    { numRuns: 2000 },
  )
})
