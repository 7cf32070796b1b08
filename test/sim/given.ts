/** What a host of fakes is given and no story is about. */
import type { FarmCa } from '../../src/daemon/certificates/farm-leaves.ts'
import type { Inside } from '../../src/daemon/host/inside.ts'
import { sealWith } from '../../src/daemon/pki/seal.ts'
import type { PoolSpec } from '../../src/drivers/storage/driver.ts'
import type { TemplateBuilder } from '../../src/drivers/template/driver.ts'

export const seal = async () => sealWith(Buffer.alloc(32, 7))
const ca: FarmCa = { fingerprint: () => null, issueEdge: () => Promise.reject(new Error('no CA here')) }
/** No route asks for one. */
export const noCertificates = {
  ...{ folder: '', seal, dnsHook: '/none', addresses: () => [] },
  ca,
  acme: { name: 'none', issue: () => Promise.reject(new Error('no ACME here')) },
}
export const pool: PoolSpec = {
  name: 'default',
  kind: 'file',
  source: '/p.img',
  mountPoint: '/pool',
  sizeBytes: 2 ** 40,
}
export const paths = {
  stateDir: '/s',
  socket: '/s/k',
  storeFile: '/s/d',
  lxcPath: '/s/l',
  cgroup: 'croft',
  hooksDir: '/s/h',
  sitesDir: '/s/sites',
  dnsHook: '/s/d',
}

export const built = { sizeBytes: 1, sha256: 'c0ffee', facts: {} }
export const builder: Omit<TemplateBuilder, 'build'> = {
  name: 'sim',
  check() {},
  async sweep() {},
}

/** A real process takes real time, which no clock of ours knows of; who tells of journals says so by `inside`. */
export const withoutJournal = (inside: Inside): Inside => ({
  run: async (number, words, options) =>
    words[0] === 'journalctl' ? { code: 0, lines: [] } : inside.run(number, words, options),
})
