import { readFileSync } from 'node:fs'
import { CroftError, toCroftError } from '../../../api/errors.ts'
import { type Answer, done } from '../../answer.ts'
import { type Context, readInput } from '../../context.ts'
import { createDraft } from '../../process/draft.ts'
import { openEditor } from '../../process/editor.ts'
import { canAsk, confirm } from '../../screen/confirm.ts'
import { errorText } from '../../screen/render.ts'
import { parsePoint } from '../../words/point.ts'
import { changeAnswer } from '../../work/change.ts'
import { guestName } from '../../work/targets.ts'
import { differences, parseSettings, type Settings, settingsOf, settingsText } from './settings-text.ts'

interface Job {
  readonly name: string
  readonly before: Settings
  readonly revision: number
}

export async function run(context: Context): Promise<Answer> {
  const word = context.args.one('GUEST')
  if (parsePoint(word).kind === 'file') return (await import('../../files/edit.ts')).editFile(context, word)
  const name = guestName(word)
  const guest = await context.client.request('getGuest', { params: { guest: name } })
  const job: Job = { name, before: settingsOf(guest), revision: guest.revision }
  const file = context.flags.text('file')
  if (file !== undefined) return send(context, job, await readInput(context, file))
  if (!canAsk(context)) {
    throw new CroftError('NEEDS_CONFIRMATION', 'croft edit needs a terminal for the editor', {
      hint: `croft edit ${name} -f FILE, or croft set ${name} memory=1G`,
    })
  }
  using draft = createDraft(`${name}.json`, settingsText(name, job.before))
  return await editUntilTaken(context, job, draft.path)
}

/** What the server refuses can be mended in the same text. */
async function editUntilTaken(context: Context, job: Job, path: string): Promise<Answer> {
  for (;;) {
    await openEditor(context, path)
    try {
      return await send(context, job, readFileSync(path, 'utf8'))
    } catch (thrown) {
      const error = toCroftError(thrown)
      if (error.code !== 'USAGE' && error.code !== 'BAD_VALUE' && error.code !== 'BAD_REQUEST') throw error
      context.io.stderr.write(errorText(error, context.style))
      if (context.flags.has('yes') || !(await confirm(context, 'Edit again?'))) throw error
    }
  }
}

async function send(context: Context, job: Job, text: string): Promise<Answer> {
  const { name, before, revision } = job
  const body = differences(before, parseSettings(text))
  const changed = Object.keys(body)
  if (changed.length === 0) return done(name, `${name} is as it was`)
  const query = context.flags.has('if-revision') ? {} : { ifRevision: revision }
  return changeAnswer(context, { route: 'changeGuest', params: { guest: name }, query, body }, ({ result }) =>
    done(name, `${name} ${changed.join(' ')}`, { record: result }),
  )
}
