/** What the commands of a build know: its environment and the secrets that croft.toml asks for, in files of the guest's memory and in no word of a command line. Secrets are in no record, no log and no release. */
import { appUser } from '../../api/app.ts'
import { CroftError } from '../../api/errors.ts'
import { isFetchSecret } from '../../plan/git.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { SiteSecretRecord } from '../records/app-records.ts'
import { readApp } from '../records/apps.ts'
import { openBuildSecrets } from '../records/builds.ts'
import { keys } from '../records/keys.ts'
import { readAll } from '../records/records.ts'
import type { BuildGuest, GuestWork } from './build-guest.ts'

export interface BuildSecrets {
  /** The words that run these with all of it in their environment. */
  around(words: readonly string[]): readonly string[]
  hide(line: string): string
  takeAway(): Promise<void>
}

const folder = '/run/build-secrets'
/** What is shorter would hide half of what is printed. */
const shortest = 4

export async function putSecrets(
  { daemon, record }: GuestWork,
  guest: BuildGuest,
  { secrets: names, env }: { readonly secrets: readonly string[]; readonly env: Readonly<Record<string, string>> },
): Promise<BuildSecrets> {
  if (names.length === 0 && Object.keys(env).length === 0)
    return { around: (words) => words, hide: (line) => line, async takeAway() {} }
  if (names.length > 0) await assertBuildSecrets(daemon, record.app, names)
  const all = names.length === 0 ? {} : await openBuildSecrets(getFarm(daemon).parts, record.app)
  const user = String(appUser.id)
  await guest.runAsRoot(['install', '-d', '-m', '0700', '-o', user, '-g', user, folder])
  const texts = names.map((name) => all[name] ?? '')
  const values = { ...env, ...Object.fromEntries(names.map((name, index) => [name, texts[index] ?? ''])) }
  for (const [name, text] of Object.entries(values))
    await guest.run(['sh', '-c', 'umask 077; cat >"$1"', 'sh', `${folder}/${name}`], { stdin: once(text) })
  const hidden = texts.flatMap((text) => text.split('\n')).filter((text) => text.length >= shortest)
  return {
    around: (words) => ['sh', '-c', fromFiles, 'sh', folder, ...words],
    hide: (line) => hidden.reduce((shown, text) => shown.replaceAll(text, '***'), line),
    takeAway: async () => void (await guest.runAsRoot(['rm', '-r', '--', folder])),
  }
}

/** Long before they are opened. */
export async function assertBuildSecrets(daemon: Daemon, app: string, names: readonly string[]): Promise<void> {
  const fetching = names.find(isFetchSecret)
  if (fetching !== undefined)
    throw new CroftError('REFUSED', `build.secrets names ${fetching}, which is for fetching the repository alone`, {
      hint: `give what the build needs another name: croft secret set ${app}/build NAME`,
    })
  const known = (await readAll<SiteSecretRecord>(daemon.store, keys.siteSecrets(`${app}/build`))).map(
    ({ value }) => value.name,
  )
  const missing = names.filter((name) => !known.includes(name))
  if (missing.length === 0) return
  const first = (await readApp(daemon, app)) ? [] : [`croft app add ${app}`]
  throw new CroftError('NOT_FOUND', `build.secrets names ${missing.join(', ')}, not set for builds of ${app}`, {
    hint: [...first, `croft secret set ${app}/build ${missing[0]}`].join(' · '),
  })
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

/** What a text ends with stays: a shell takes line ends away from what it reads, so one letter goes behind. */
const fromFiles = `folder=$1
shift
for file in "$folder"/*; do
  value=$(cat "$file"; echo .)
  export "\${file##*/}=\${value%.}"
done
exec "$@"
`
