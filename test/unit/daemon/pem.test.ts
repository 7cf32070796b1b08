/** Certificates that people bring. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { toCroftError } from '../../../src/api/errors.ts'
import { readBundle } from '../../../src/daemon/pki/pem.ts'

const folder = mkdtempSync(join(tmpdir(), 'croft-pem-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let count = 0

interface Made {
  readonly key: string
  readonly pem: string
}

/** By openssl x509, which asks nothing of the values. */
function make(
  subject: string,
  { by, ca = false, names = '', days = 30 }: { by?: Made; ca?: boolean; names?: string; days?: number } = {},
): Made {
  const at = (name: string) => join(folder, `${count}-${name}`)
  count += 1
  const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
  writeFileSync(at('key'), key)
  writeFileSync(at('by'), by ? `${by.key}${by.pem}` : key)
  writeFileSync(
    at('ext'),
    `basicConstraints = critical, CA:${ca ? 'TRUE' : 'FALSE'}\n${names ? `subjectAltName = ${names}\n` : ''}`,
  )
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  openssl('req', '-new', '-key', at('key'), '-subj', `/CN=${subject}`, '-out', at('csr'))
  const signer = by ? ['-CA', at('by'), '-CAkey', at('by'), '-CAcreateserial'] : ['-signkey', at('key')]
  openssl('x509', '-req', '-in', at('csr'), ...signer, '-days', String(days), '-extfile', at('ext'), '-out', at('pem'))
  return { key, pem: openssl('x509', '-in', at('pem')).toString() }
}

const root = make('root', { ca: true })
const middle = make('middle', { ca: true, by: root })
const leaf = make('shop', { by: middle, names: 'DNS:Shop.example.org, DNS:*.example.org, IP:203.0.113.1' })
const now = Date.now()
const read = (text: string, roots: readonly string[] = [root.pem]) => readBundle(text, now, () => roots)
const fails = (text: string, why: RegExp, at = now) =>
  assert.throws(
    () => readBundle(text, at, () => []),
    (thrown) => {
      const { code, message } = toCroftError(thrown)
      assert.equal(code, 'BAD_VALUE')
      assert.match(message, why)
      assert.ok(!/PRIVATE KEY--|[A-Za-z0-9+/]{60}/.test(message) && !message.includes('\n'), message)
      return true
    },
  )

test('key and chain in any order of files; the root is not sent along; names in lower case', () => {
  for (const text of [leaf.key + leaf.pem + middle.pem + root.pem, `${leaf.pem}${middle.pem}noise\n${leaf.key}`]) {
    const bundle = read(text)
    assert.deepEqual(bundle.names, ['shop.example.org', '*.example.org'])
    assert.equal(bundle.chain, leaf.pem + middle.pem)
    assert.equal(bundle.key, leaf.key)
    assert.deepEqual(bundle.warnings, [])
  }
  const crlf = read((leaf.key + leaf.pem + middle.pem).replaceAll('\n', '\r\n'))
  assert.equal(crlf.chain, leaf.pem + middle.pem)
})

test('a chain that lacks the certificate between is taken, and told', () => {
  assert.match(read(leaf.key + leaf.pem).warnings[0] ?? '', /ends at "middle"/)
  assert.deepEqual(read(leaf.key + leaf.pem, [middle.pem]).warnings, [])
  const self = make('own', { names: 'DNS:own.example.org' })
  assert.equal(read(self.key + self.pem).chain, self.pem)
})

test('what does not fit together is refused with the reason', () => {
  const other = make('other', { names: 'DNS:other.example.org' })
  fails(leaf.pem + middle.pem, /no private key: give it with --key/)
  fails(leaf.key, /no certificate/)
  fails('', /no private key/)
  fails(leaf.key + other.key + leaf.pem, /more than one private key/)
  fails(other.key + leaf.pem + middle.pem, /does not belong to the certificate \(shop\)/)
  fails(leaf.key + middle.pem + leaf.pem, /belongs to certificate 2: that one must come first/)
  fails(leaf.key + leaf.pem + root.pem + middle.pem, /certificate 2 \(root\) did not sign certificate 1 \(shop\)/)
  fails(leaf.key + leaf.pem + other.pem, /certificate 2 \(other\) is no CA/)
  fails(leaf.key + leaf.pem, /ended on/, now + 40 * 24 * 3600_000)
  fails(leaf.key + leaf.pem, /begins on/, now - 40 * 24 * 3600_000)
  fails(middle.key + middle.pem, /certificate of a CA/)
  const nameless = make('shop.example.org')
  fails(nameless.key + nameless.pem, /bears no host name/)
})

test('hostile input is refused, and quickly', () => {
  const began = process.cpuUsage().user
  fails('x'.repeat(200_001), /longer than/)
  fails(`${leaf.key}${leaf.pem.repeat(11)}`, /more than 10 certificates/)
  fails(`-----BEGIN PRIVATE KEY-----\n${'A'.repeat(100_000)}`, /no private key/)
  fails('-----BEGIN PRIVATE KEY-----\n'.repeat(5000), /no private key/)
  fails(`-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${leaf.pem}`, /private key cannot be read/)
  fails(
    `-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n${leaf.pem}`,
    /has a password/,
  )
  fails(`${leaf.key}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`, /certificate 1 cannot be read/)
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
  fails(short + leaf.pem, /1024 bits is too short/)
  const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey
  fails(`${koblitz.export({ type: 'pkcs8', format: 'pem' })}${leaf.pem}`, /do not know the curve secp256k1/)
  for (const odd of [
    'DNS:a b.example.org',
    'DNS:evil.org\\nBEGIN',
    'DNS:-x.example.org',
    'DNS:..',
    'DNS:localhost',
    'DNS:*.*.example.org',
  ]) {
    const made = make('odd', { names: odd })
    fails(made.key + made.pem, /no host name/)
  }
  assert.ok(process.cpuUsage().user - began < 5e6)
})

test('names hidden in a subject never reach a line of their own', () => {
  const made = make('evil', { by: make('line\u2028feed', { ca: true }), names: 'DNS:shop.example.org' })
  const [warning = ''] = read(made.key + made.pem).warnings
  assert.ok(!/[\p{C}\p{Zl}\p{Zp}]/u.test(warning), warning)
  assert.ok(new X509Certificate(made.pem).checkHost('shop.example.org'))
})
