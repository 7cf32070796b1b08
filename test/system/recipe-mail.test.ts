/** The recipe mail for real: a mail from outside is taken for its domain, and read by IMAP; nothing is relayed. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { recipeTemplate } from './cache.ts'
import { at, useFarm } from './farm.ts'

const farm = await useFarm()
const built = await recipeTemplate('mail')
const folder = await mkdtemp('/var/tmp/croft-mail-')
after(() => rm(folder, { recursive: true, force: true }))
const letter = join(folder, 'letter')

/** As somebody outside of the farm; all that curl says. */
const curl = async (...args: string[]) => {
  const command = {
    file: 'curl',
    args: ['--silent', '--show-error', '--verbose', '--insecure', '--max-time', '20', ...args],
    timeoutMs: 30_000,
  }
  const { code, stdout, stderr } = await farm.outside(command)
  return { code, said: stderr, body: stdout }
}
const send = (port: number, to: string, ...args: string[]) =>
  curl(
    `smtp://${at.host.v4}:${port}/outside.example`,
    '--mail-from',
    'rook@outside.example',
    '--mail-rcpt',
    to,
    '-T',
    letter,
    ...args,
  )

test('the recipe mail: one domain, a person, a letter in and out, and no relay', async () => {
  await farm.addTemplate(built)
  await farm.croftOk('create', 'post', 'mail:v1', '-p', '2525:25', '-p', '2587:587', '-p', '2993:993')
  const settled = async () => (await farm.croft('exec', 'post', '--', 'systemctl', 'start', 'mail-domain')).code === 0
  await farm.waitFor(settled, 120_000, 'its first start')
  // Nothing here answers for the names of addresses.
  await farm.inGuest('post', 'postconf', '-e', 'smtpd_peername_lookup = no')
  assert.equal((await farm.croftWith({ stdin: 'meadow.example\n' }, 'push', '-', 'post:/srv/mail/domain')).code, 0)
  await farm.inGuest('post', 'useradd', '--create-home', '--shell', '/usr/sbin/nologin', 'lark')
  assert.equal((await farm.croftWith({ stdin: 'lark:Seed.and.song\n' }, 'exec', 'post', '--', 'chpasswd')).code, 0)
  await writeFile(
    letter,
    'From: rook@outside.example\r\nTo: lark@meadow.example\r\nSubject: seeds\r\n\r\nthe barn is open\r\n',
  )
  await farm.waitFor(
    async () => /^< 220 mail\.meadow\.example/m.test((await send(2525, 'nobody@elsewhere.example')).said),
    120_000,
    'the domain is taken over',
  )
  const refused = await send(2525, 'nobody@elsewhere.example')
  assert.match(refused.said, /^< 554 .*Relay access denied/m)
  assert.match((await send(2525, 'stranger@meadow.example')).said, /^< 550 .*User unknown/m)
  await farm.waitFor(
    async () => /^< 554 .*Client host rejected/m.test((await send(2587, 'lark@meadow.example', '--ssl-reqd')).said),
    120_000,
    'who does not log in is told so, and who would be asked is there',
  )
  const sent = await send(2525, 'lark@meadow.example', '--ssl-reqd')
  assert.equal(sent.code, 0, sent.said)
  assert.match(sent.said, /subject: CN=mail\.meadow\.example/)
  const read = (user: string) => curl('--user', user, `imaps://${at.host.v4}:2993/INBOX;MAILINDEX=1`)
  await farm.waitFor(
    async () => (await read('lark:Seed.and.song')).body.includes('the barn is open'),
    120_000,
    'the letter',
  )
  assert.match((await read('lark@meadow.example:Seed.and.song')).body, /^Subject: seeds\r?$/m)
  assert.equal((await read('lark:wrong')).body, '')
  const plain = await curl(`imaps://${at.host.v4}:2993/`)
  assert.match(plain.said, /issuer: CN=mail\.meadow\.example/, 'made by itself')
  await farm.croftOk('set', 'post', 'certificate=mail.meadow.example')
  const bySmtp = async () => (await send(2525, 'nobody@elsewhere.example', '--ssl-reqd')).said
  const byImap = async () => (await curl(`imaps://${at.host.v4}:2993/`)).said
  const both = async (issuer: RegExp) => issuer.test(await byImap()) && issuer.test(await bySmtp())
  await farm.waitFor(() => both(/issuer: .*croft farm meadow/), 120_000, 'the farm’s certificate, in both')
  // What comes next is there without a word: here a new CA of the farm makes all certificates anew.
  const serial = () => farm.inGuest('post', 'openssl', 'x509', '-noout', '-serial', '-in', '/srv/mail/tls/cert.pem')
  const before = await serial()
  await farm.croftOk('cert', 'rotate')
  await farm.waitFor(async () => (await serial()) !== before, 120_000, 'the next certificate')
  await farm.waitFor(() => both(/issuer: .*croft farm meadow/), 120_000, 'the next one, in both')
  const away = await send(2587, 'rook@meadow.example', '--ssl-reqd', '--user', 'lark:Seed.and.song')
  assert.match(away.said, /^< 235 .*Authentication successful/m)
  await farm.croftOk('rm', 'post', '-y')
  await farm.croftOk('template', 'rm', 'mail:v1', '-y')
})
