/** The making of a template's record: a name that is free, or that of one whose build failed. */
import { CroftError } from '../../api/errors.ts'
import type { Operation } from '../../api/resources.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import { timestamp } from '../env.ts'
import type { Caller } from '../http/access.ts'
import { type Change, commit } from './change.ts'
import { keys } from './keys.ts'
import { read, schemaVersion, type TemplateRecord, type TemplateStatus } from './records.ts'

export interface NewTemplate {
  readonly ref: string
  readonly verb: 'build' | 'import' | 'publish'
  readonly source: TemplateRecord['source']
  readonly making?: TemplateRecord['making']
  readonly release?: TemplateRecord['release']
}

export async function commitTemplate(
  daemon: Daemon,
  caller: Caller,
  query: { readonly reason?: string | undefined },
  { ref, verb, source, making, release }: NewTemplate,
): Promise<Operation | null> {
  const id = daemon.env.uuid()
  const operation = await commit(daemon, caller, query, async (): Promise<Change> => {
    const old = await assertFree(daemon, ref)
    const app = keys.app(ref.split(':', 1)[0] ?? '')
    if (!release) await assertNoApp(daemon, app, ref)
    const created = timestamp(daemon.env)
    const record: TemplateRecord = {
      ...{ schema: schemaVersion, ref, id, created, source, host: getFarm(daemon).parts.host.name },
      ...(making ? { making } : {}),
      ...(release ? { release } : {}),
    }
    return {
      kind: 'template',
      name: ref,
      verb,
      before: null,
      after: source,
      compare: [
        { key: keys.template(ref), revision: old?.revision ?? 0 },
        ...(release ? [] : [{ key: app, revision: 0 }]),
      ],
      writes: [{ put: keys.template(ref), value: record }, ...(old ? [{ delete: old.status }] : [])],
      goal: { kind: 'template', id },
    }
  })
  getFarm(daemon).loop.nudgeTemplates()
  return operation
}

/** Templates of an app's name are its releases: of another kind none could be told apart. */
async function assertNoApp({ store }: Daemon, app: string, ref: string): Promise<void> {
  if (!(await read(store, app))) return
  const [name = ''] = ref.split(':')
  throw new CroftError('EXISTS', `"${name}" is an app: templates of its name are its releases`, {
    hint: `croft build ${name}, or another name`,
  })
}

/** The failed one that gives its name, when there is one. */
export async function assertFree(
  daemon: Daemon,
  ref: string,
): Promise<{ readonly revision: number; readonly status: string } | undefined> {
  if (!ref.includes(':'))
    throw new CroftError('BAD_VALUE', `"${ref}" names no version`, { hint: `name one, like ${ref}:v1` })
  const old = await read<TemplateRecord>(daemon.store, keys.template(ref))
  if (!old) return undefined
  const key = keys.templateStatus(getFarm(daemon).parts.host.name, old.value.id)
  const status = await read<TemplateStatus>(daemon.store, key)
  if (!status) throw new CroftError('BUSY', `template "${ref}" is still being built`, { hint: 'croft op ls' })
  if (status.value.state !== 'failed')
    throw new CroftError('EXISTS', `there is a template "${ref}"`, { hint: `croft template show ${ref}` })
  return { revision: old.revision, status: key }
}
