/**
 * A repository is fetched in a guest of its own, which sees the deploy key and runs nothing of the repository. What leaves it
 * is an archive of one commit; the guest that builds sees neither key nor history.
 */
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { isCode } from '../../api/errors.ts'
import {
  checkOut,
  commitNow,
  type FetchSecret,
  fetchAll,
  fetchRef,
  fetchSecrets,
  fetchTag,
  gitEnvOf,
  gitInit,
  gitOrigin,
  isFetchSecret,
  isShortCommit,
  packed,
  submodules,
} from '../../plan/git.ts'
import { getFarm } from '../daemon.ts'
import type { BuildSource } from '../records/app-records.ts'
import { openBuildSecrets } from '../records/builds.ts'
import { ensureBase, findBase, firstBase } from './build-base.ts'
import {
  type BuildGuest,
  firstLimits,
  type GuestWork,
  makeBuildGuest,
  type RunOptions,
  removeBuildGuest,
} from './build-guest.ts'
import { largestArchive, readConfig, type Source, textOf } from './build-source.ts'

type Git = Extract<BuildSource, { readonly kind: 'git' }>

export const gitPackages = ['ca-certificates', 'git', 'openssh-client']

export async function fetchGit(work: GuestWork, source: Git): Promise<Source> {
  const guest = await gitGuest(work)
  try {
    const env = gitEnvOf(await putSecrets(work, guest))
    await guest.run(gitInit, { env })
    await guest.run(gitOrigin(source.url), { env })
    const tag = await fetchInto(guest, source, env)
    if ((await readConfig(guest).catch(() => undefined))?.config.build?.submodules)
      await guest.run(submodules, { env, as: 'git submodule' })
    const commit = (await textOf(guest, commitNow, 1024)).trim()
    return { upload: await archive(work, guest), commit, ...(tag === undefined ? {} : { tag }) }
  } finally {
    if (!work.signal.aborted) await removeBuildGuest(work.daemon, work.record)
  }
}

/** In what was made for it, when that is there; else where the usual base has git anyway. */
async function gitGuest(work: GuestWork): Promise<BuildGuest> {
  const made = await findBase(work, firstBase, gitPackages)
  if (made) return makeBuildGuest(work, made, firstLimits)
  const guest = await makeBuildGuest(work, await ensureBase(work, firstBase, []), firstLimits)
  const hasGit = await guest.run(['git', '--version']).then(
    () => true,
    (thrown) => {
      if (isCode(thrown, 'BUILD_FAILED')) return false
      throw thrown
    },
  )
  if (hasGit) return guest
  await removeBuildGuest(work.daemon, work.record)
  return makeBuildGuest(work, await ensureBase(work, firstBase, gitPackages), firstLimits)
}

/** Those that are set. */
async function putSecrets({ daemon, record }: GuestWork, guest: BuildGuest): Promise<FetchSecret[]> {
  const all = await openBuildSecrets(getFarm(daemon).parts, record.app)
  const given = Object.keys(all).filter(isFetchSecret)
  for (const name of given) {
    const stdin = Readable.from([Buffer.from(`${all[name]?.trimEnd()}\n`)])
    await guest.run(['sh', '-c', name === 'GIT_CA' ? putBeside : put, 'sh', fetchSecrets[name]], { stdin })
  }
  return given
}
const put = 'umask 077; cat >"$1"'
const putBeside = 'umask 077; cat /etc/ssl/certs/ca-certificates.crt - >"$1"'

/** The name of the tag, when it is one. */
async function fetchInto(
  guest: BuildGuest,
  { url, ref }: Git,
  env: RunOptions['env'] = {},
): Promise<string | undefined> {
  const run = (words: readonly string[]) => guest.run(words, { env, as: `git fetch ${url} ${ref}` })
  const tag = await run(fetchTag(url, ref)).then(
    () => ref,
    () => undefined,
  )
  if (tag === undefined && isShortCommit(ref)) {
    await run(fetchAll(url))
    await run(checkOut(ref))
    return undefined
  }
  if (tag === undefined) await run(fetchRef(url, ref))
  await run(checkOut('FETCH_HEAD'))
  return tag
}

async function archive({ daemon }: GuestWork, guest: BuildGuest): Promise<string> {
  const { uploads } = getFarm(daemon).parts
  const pipe = new PassThrough()
  const received = uploads.receive(pipe, largestArchive)
  const sent = guest.run(packed, {
    as: 'packing the checkout',
    maxBytes: largestArchive,
    onBytes: (bytes) => (pipe.write(bytes) ? undefined : once(pipe, 'drain').then(() => undefined)),
  })
  sent.then(
    () => pipe.end(),
    (thrown) => pipe.destroy(thrown),
  )
  const [{ id }] = await Promise.all([received, sent])
  uploads.claim(id)
  return id
}
