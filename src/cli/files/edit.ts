/** A file of a guest in the editor: a copy that only we read, written back only when it was changed. */
import { readFileSync } from 'node:fs'
import { CroftError } from '../../api/errors.ts'
import { type Answer, done } from '../answer.ts'
import type { Context } from '../context.ts'
import { createDraft } from '../process/draft.ts'
import { openEditor } from '../process/editor.ts'
import { canAsk } from '../screen/confirm.ts'
import { ofChanges } from '../words/flags.ts'
import { wrongUse } from '../work/change.ts'
import { type GuestFiles, guestPath, nameOf, openFiles } from './guest-files.ts'
import { latin1, pushTo } from './push.ts'

const mostBytes = 16 * 1024 ** 2

export async function editFile(context: Context, word: string): Promise<Answer> {
  const target = guestPath(word)
  const flag = [...ofChanges, 'file' as const].find((name) => context.flags.has(name))
  if (!target) throw wrongUse(`"${word}" is no file of a guest, like web:/etc/hosts`)
  if (flag) throw wrongUse(`--${flag} is for settings; a file is put there by croft push`)
  if (!canAsk(context)) {
    throw new CroftError('NEEDS_CONFIRMATION', 'croft edit needs a terminal for the editor', {
      hint: `croft push - ${word}`,
    })
  }
  const files = await openFiles(context, target.guest)
  const before = await readText(files, target.path)
  using draft = createDraft(nameOf(target.path), before ?? '')
  await openEditor(context, draft.path)
  if (readFileSync(draft.path).equals(before ?? Buffer.alloc(0))) return done(word, `${word} is as it was`)
  try {
    await writeBack(files, { word, copy: draft.path, before })
  } catch (thrown) {
    context.say(`! what you wrote is kept in ${draft.keep()}`)
    throw thrown
  }
  return done(word, `${word} written`)
}

interface Edited {
  readonly word: string
  readonly copy: string
  readonly before: Buffer | undefined
}

async function writeBack(files: GuestFiles, { word, copy, before }: Edited): Promise<void> {
  const target = guestPath(word)
  if (!target) return
  const now = await readText(files, target.path)
  if (now === undefined ? before !== undefined : !before?.equals(now)) {
    throw new CroftError('CHANGED_MEANWHILE', `${word} was changed by somebody else`, { hint: `croft edit ${word}` })
  }
  await pushTo(files, target, {
    ...{ sources: [{ from: latin1(copy), name: '' }], nameless: true, owner: undefined, mode: undefined },
    ...{ signal: new AbortController().signal, onBytes: () => {}, onLeftOut: () => {} },
  })
}

/** Undefined when there is none yet. */
async function readText(files: GuestFiles, path: string): Promise<Buffer | undefined> {
  const { path: real, found } = await files.follow(path)
  if (!found) return undefined
  if (found.kind !== 'file') throw new CroftError('REFUSED', `${files.guest}:${real} is no file`)
  const parts: Buffer[] = []
  let bytes = 0
  const ended = await files.run(['cat', real], {
    onOutput(part) {
      bytes += part.length
      if (bytes > mostBytes) throw new CroftError('LIMIT_REACHED', `${files.guest}:${real} is too large to edit`)
      parts.push(part)
    },
  })
  if (ended.exit !== 0) throw files.failed('cat', ended)
  return Buffer.concat(parts)
}
