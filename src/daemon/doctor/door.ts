/** The door to the outside: it is as the farm wants it, its certificates hold, and nobody else reads its keys. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate, Door } from '../../api/door.ts'
import type { Finding } from '../../api/resources.ts'
import { folderOf } from '../pki/authority.ts'
import { ok, red, type Theme, warn } from './finding.ts'

export interface KeyFile {
  readonly path: string
  readonly mode: number
  readonly uid: number
}

export interface DoorFacts {
  readonly door: Pick<Door, 'state' | 'listen' | 'reason' | 'former'>
  readonly certificates: readonly Certificate[]
  readonly now: number
}

const day = 24 * 3600 * 1000
const restart = 'restart the daemon, then croft cert ls'

export const doorHealth: Theme = {
  name: 'door',
  async examine(_look, { outside, settings, env, open }) {
    const files = judgeKeyFiles(await readKeyFiles(folderOf(settings.stateDir)))
    if (!outside || !open) return files
    return [...files, ...judgeDoor({ door: outside.door(), certificates: outside.certificates(), now: env.now() })]
  },
}

export function judgeKeyFiles(files: readonly KeyFile[]): Finding[] {
  return files
    .filter(({ mode, uid }) => uid !== 0 || (mode & 0o077) !== 0)
    .map(({ path, mode, uid }) =>
      red(
        'door',
        `${path} can be read by others (mode ${(mode & 0o777).toString(8)}, owner ${uid})`,
        `chown root ${path}; chmod go= ${path}; whoever read a key has it: see docs/design/doors.md`,
      ),
    )
}

export function judgeDoor({ door, certificates, now }: DoorFacts): Finding[] {
  if (door.state === 'failed')
    return [
      red('door', door.reason ?? 'it did not open', `mend that, then croft farm set listen=${door.listen ?? 'off'}`),
    ]
  const told = certificates.flatMap((certificate) => judgeCertificate(certificate, now))
  if (told.length > 0) return told
  if (door.former !== undefined)
    return [
      warn(
        'door',
        `the farm’s former CA ${door.former.slice(0, 16)}… is trusted beside the new one`,
        'when everybody has logged in anew: croft cert rotate --finish',
      ),
    ]
  const until = certificates.map(({ kind, expires }) => `${kind} until ${expires?.slice(0, 10)}`).join(', ')
  return [ok('door', `${door.state === 'open' ? `open on ${door.listen}` : 'shut'}; certificates: ${until || 'none'}`)]
}

function judgeCertificate({ name, kind, begins, expires, renews }: Certificate, now: number): Finding[] {
  const which = `the certificate of ${kind} ${name}`
  if (now < Date.parse(begins))
    return [red('door', `${which} begins at ${begins}: this host’s clock is behind`, 'apt-get install chrony')]
  if (expires === null) return []
  if (now > Date.parse(expires)) return [red('door', `${which} ended at ${expires}`, restart)]
  if (renews !== null && now > Date.parse(renews) + day)
    return [warn('door', `${which} was to be renewed at ${renews} and was not; it ends at ${expires}`, restart)]
  if (kind === 'ca' && now > Date.parse(expires) - 365 * day)
    return [warn('door', `${which} ends at ${expires}; a new one may come beside it`, 'croft cert rotate')]
  return []
}

async function readKeyFiles(folder: string): Promise<KeyFile[]> {
  const paths = [folder, join(folder, 'ca.pem'), join(folder, 'host.pem'), join(folder, 'store-cas.pem')]
  const found = paths.map(async (path) => {
    try {
      const { mode, uid } = await stat(path)
      return [{ path, mode, uid }]
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw thrown
    }
  })
  return (await Promise.all(found)).flat()
}
