import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { issue } from '../../src/daemon/pki/openssl.ts'
import { createFakeAcme } from '../../src/drivers/acme/fake/index.ts'
import { createRunner } from '../../src/drivers/exec/runner.ts'
import { validityFrom } from '../../src/plan/certificates.ts'
import { acmeContract } from './acme.ts'

const run = createRunner()
const folder = await mkdtemp(join(tmpdir(), 'croft-acme-'))
after(() => rm(folder, { recursive: true, force: true }))
const validity = validityFrom(Date.now(), 24 * 3600 * 1000)
const ca = await issue(run, join(folder, 'work'), { kind: 'ca', subject: 'fake', names: [], ...validity })
await writeFile(join(folder, 'ca.pem'), ca.key + ca.certificate)

const shown = new Set<string>()
const acme = createFakeAcme({
  async sign(request) {
    await writeFile(join(folder, 'request'), request)
    const words = ['x509', '-req', '-in', 'request', '-CA', 'ca.pem', '-CAkey', 'ca.pem', '-copy_extensions', 'copyall']
    return run.run({ file: 'openssl', args: words, cwd: folder, timeoutMs: 20_000 })
  },
  sees: ({ name, token }) => shown.has(`${name} ${token}`),
})

await acmeContract('fake', {
  ...{ acme, directory: 'https://acme.example/directory' },
  async show({ name, token }) {
    shown.add(`${name} ${token}`)
  },
  async begin() {
    acme.forget()
    shown.clear()
    acme.away = false
  },
  async end() {
    acme.away = true
  },
  freeze() {
    acme.frozen = true
  },
  thaw() {
    acme.frozen = false
  },
})
