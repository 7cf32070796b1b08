/** Words of git for fetching one commit of a repository that nobody vouches for. Pure. */

/** No hook, no protocol that runs something or reads this disk, and nobody is asked anything. */
const careful = [
  ...['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'protocol.allow=never'],
  ...['https', 'http', 'ssh', 'git'].flatMap((name) => ['-c', `protocol.${name}.allow=always`]),
  ...['-c', 'transfer.bundleURI=false', '-c', 'advice.detachedHead=false', '-c', 'init.defaultBranch=main'],
]

/** Secrets that fetching alone sees, and their files in its guest. */
export const fetchSecrets = {
  DEPLOY_KEY: '/tmp/deploy-key',
  /** Of a server whose certificate no public authority has signed; beside those that are known anyway. */
  GIT_CA: '/tmp/deploy-ca',
  /** Lines of a known_hosts file. Without them whoever answers is believed. */
  KNOWN_HOSTS: '/tmp/deploy-hosts',
} as const
export type FetchSecret = keyof typeof fetchSecrets
export const isFetchSecret = (name: string): name is FetchSecret => Object.hasOwn(fetchSecrets, name)

export function gitEnvOf(given: readonly FetchSecret[]): Readonly<Record<string, string>> {
  const { DEPLOY_KEY: key, GIT_CA: authority, KNOWN_HOSTS: hosts } = fetchSecrets
  const believed = given.includes('KNOWN_HOSTS')
    ? `-o StrictHostKeyChecking=yes -o UserKnownHostsFile=${hosts}`
    : '-o StrictHostKeyChecking=accept-new'
  return {
    ...gitEnv,
    GIT_SSH_COMMAND: `ssh -i ${key} -o IdentitiesOnly=yes -o BatchMode=yes ${believed} -o ConnectTimeout=20`,
    ...(given.includes('GIT_CA') ? { GIT_SSL_CAINFO: authority } : {}),
  }
}

const gitEnv: Readonly<Record<string, string>> = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/true',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ALLOW_PROTOCOL: 'https:http:ssh:git',
}

const git = (...words: string[]): readonly string[] => ['git', ...careful, ...words]
const fetch = (url: string, ...refs: string[]) =>
  git('fetch', '--quiet', '--no-tags', ...refs.slice(1), '--', url, refs[0] ?? '')

export const gitInit = git('init', '--quiet', '.')
/** Submodules may be named by where they lie beside it. */
export const gitOrigin = (url: string) => git('remote', 'add', '--', 'origin', url)
/** What it may be, in the order in which it is asked for: a tag, then a branch, HEAD or a whole commit. */
export const fetchTag = (url: string, ref: string) => fetch(url, `refs/tags/${ref}`, '--depth', '1')
export const fetchRef = (url: string, ref: string) => fetch(url, ref, '--depth', '1')
/** A server gives no commit by its first letters: everything comes. */
export const fetchAll = (url: string) => fetch(url, '+refs/heads/*:refs/remotes/origin/*')
export const isShortCommit = (ref: string): boolean => /^[0-9a-f]{7,39}$/.test(ref)

export const checkOut = (what: string) => git('checkout', '--quiet', '--detach', what, '--')
export const submodules = git('submodule', 'update', '--init', '--recursive', '--depth', '1', '--jobs', '2')
export const commitNow = git('rev-parse', '--verify', 'HEAD')
/** All but what git keeps of it. */
export const packed: readonly string[] = ['tar', '-c', '--exclude-vcs', '-f', '-', '.']
