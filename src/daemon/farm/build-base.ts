/** What a build begins with: a template, or one of its own made of that and of packages, which the next build finds again. */
import { createHash } from 'node:crypto'
import { CroftError, isCode } from '../../api/errors.ts'
import { quietScript } from '../../plan/quiet.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { keys } from '../records/keys.ts'
import { commitTemplate } from '../records/new-template.ts'
import { type Held, read, type TemplateRecord } from '../records/records.ts'
import { getReadyTemplate } from '../records/templates.ts'
import { callerOf, ended, type GuestWork } from './build-guest.ts'

/** What a checkout is read in. What it is built in, it says itself. */
export const firstBase = 'debian:12'

/** Undefined when it was not made before. */
export async function findBase(
  { daemon, signal }: GuestWork,
  base: string,
  packages: readonly string[],
): Promise<Held<TemplateRecord> | undefined> {
  const plain = await whenReady(daemon, base, signal)
  if (!plain || plain.value.release) return undefined
  const made = await whenReady(daemon, baseName(plain.value.id, packages), signal)
  return made?.value.release ? undefined : made
}

export const baseName = (id: string, packages: readonly string[]): string => {
  const inputs = JSON.stringify([id, [...new Set(packages)].toSorted()])
  return `base-${createHash('sha256').update(inputs).digest('hex').slice(0, 12)}:v1`
}

/** Whether it is there already; throws what a build with it would be refused for. */
export async function isBaseThere(
  daemon: Daemon,
  app: string,
  { base, packages }: { readonly base: string; readonly packages: readonly string[] },
): Promise<boolean> {
  const plain = await findTemplate(daemon, base)
  const source = plain ? usable(plain, app).value.source : { from: base, packages: [] }
  if (!plain) getFarm(daemon).parts.builder.check(source)
  if (packages.length === 0) return plain !== undefined
  const wanted = withPackages(base, source, packages)
  getFarm(daemon).parts.builder.check(wanted)
  return plain !== undefined && (await findTemplate(daemon, baseName(plain.value.id, packages))) !== undefined
}

/** Also one that is being made. */
async function findTemplate(daemon: Daemon, ref: string): Promise<Held<TemplateRecord> | undefined> {
  const found = await read<TemplateRecord>(daemon.store, keys.template(ref))
  if (!found) return ofFarm.test(ref) ? undefined : getReadyTemplate(daemon, ref)
  return found.value.deleting ? undefined : found
}

function withPackages(base: string, source: TemplateRecord['source'], packages: readonly string[]) {
  const wanted = [...new Set(packages)].toSorted()
  if (!/^(debian|ubuntu):/.test(source.from))
    throw new CroftError('REFUSED', `build.packages need a base that was built of packages, and ${base} was not`, {
      hint: `put them into the base: croft template build NAME --from debian:12 --packages ${wanted.join(',')}`,
    })
  const script = source.script ?? quietScript(source.packages)
  return { ...source, script, packages: [...new Set([...source.packages, ...wanted])] }
}

export async function ensureBase(
  work: GuestWork,
  base: string,
  packages: readonly string[],
): Promise<Held<TemplateRecord>> {
  const plain = await ensure(work, base, () => ({ from: base, packages: [] }))
  if (packages.length === 0) return plain
  const { id, source } = plain.value
  return ensure(work, baseName(id, packages), () => withPackages(base, source, packages))
}

/** The first to need it makes it; others wait for that. */
async function ensure(
  work: GuestWork,
  ref: string,
  sourceOf: () => TemplateRecord['source'],
): Promise<Held<TemplateRecord>> {
  const { daemon, signal, record } = work
  for (let tries = 0; ; tries++) {
    const found = await whenReady(daemon, ref, signal)
    if (found) return usable(found, record.app)
    if (tries > 0 || !ofFarm.test(ref)) return usable(await getReadyTemplate(daemon, ref), record.app)
    const source = sourceOf()
    getFarm(daemon).parts.builder.check(source)
    const operation = await commitTemplate(daemon, callerOf(record), {}, { ref, verb: 'build', source }).catch(
      (thrown) => {
        if (isCode(thrown, 'BUSY') || isCode(thrown, 'EXISTS')) return null
        throw thrown
      },
    )
    await ended(daemon, operation, signal)
  }
}

/** Names that builds give, and look for. */
const ofFarm = /^(debian|ubuntu|base-[0-9a-f]{12}):/

/** In a release is the code of its app, for who builds that app alone; and no app says what the others are built on. */
function usable(base: Held<TemplateRecord>, app: string): Held<TemplateRecord> {
  const { ref, release } = base.value
  if (!release || (release.app === app && !ofFarm.test(ref))) return base
  throw new CroftError('REFUSED', `${ref} is a release of ${release.app}: nothing else is built on it`, {
    hint: 'croft template ls names what build.base may be',
  })
}

/** Undefined when there is none, or its making has failed. */
export async function whenReady(
  daemon: Daemon,
  ref: string,
  signal: AbortSignal,
): Promise<Held<TemplateRecord> | undefined> {
  for (;;) {
    signal.throwIfAborted()
    const found = await getReadyTemplate(daemon, ref).catch((thrown) => {
      if (isCode(thrown, 'BUSY')) return 'busy' as const
      if (isCode(thrown, 'TEMPLATE_NOT_FOUND') || isCode(thrown, 'REFUSED')) return undefined
      throw thrown
    })
    if (found !== 'busy') return found
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}
