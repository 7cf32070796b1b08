/** What `from` may say, and what it means. */
import { CroftError } from '../../../api/errors.ts'

export interface Distribution {
  readonly name: 'debian' | 'ubuntu'
  readonly suite: string
  /** None: mmdebstrap's own answer, which knows where security updates of each suite lie. */
  readonly mirror: string | null
  readonly components: string
  readonly keyring: { readonly path: string; readonly package: string }
}

const debian = (suite: string): Distribution => ({
  name: 'debian',
  suite,
  mirror: null,
  components: 'main',
  keyring: { path: '/usr/share/keyrings/debian-archive-keyring.gpg', package: 'debian-archive-keyring' },
})
const ubuntu = (suite: string): Distribution => ({
  name: 'ubuntu',
  suite,
  mirror: 'http://archive.ubuntu.com/ubuntu',
  components: 'main universe',
  keyring: { path: '/usr/share/keyrings/ubuntu-archive-keyring.gpg', package: 'ubuntu-keyring' },
})

const distributions: Readonly<Record<string, Distribution>> = {
  'debian:11': debian('bullseye'),
  'debian:12': debian('bookworm'),
  'debian:13': debian('trixie'),
  'ubuntu:22.04': ubuntu('jammy'),
  'ubuntu:24.04': ubuntu('noble'),
}

export function getDistribution(from: string): Distribution {
  const known = Object.entries(distributions)
  const found = known.find(([ref, { name, suite }]) => from === ref || from === `${name}:${suite}` || from === suite)
  if (found) return found[1]
  throw new CroftError('BAD_VALUE', `"${from.slice(0, 60)}" is no distribution that can be built`, {
    hint: `one of ${Object.keys(distributions).join(', ')}`,
  })
}
