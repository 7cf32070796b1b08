/** The first comment lines of a hook may say what it wants to hear: `# on: guest.died, route.*`. Pure. */
import { eventKinds } from '../../api/events.ts'

/** So much of a hook is looked at. */
export const headBytes = 4096

export interface Wanted {
  /** Absent: everything. */
  readonly on?: readonly string[]
  /** Why what is said there names no event. */
  readonly wrong?: string
}

const line = /^#[ \t]*on:(.*)$/i
const pattern = /^(\*|[a-z]+)(\.(\*|[a-z-]+))?$/

export function wantedIn(head: string): Wanted {
  const lines = head.split('\n')
  const end = lines.findIndex((each) => !each.startsWith('#'))
  const said = lines.slice(0, end < 0 ? lines.length : end).flatMap((each) => line.exec(each)?.[1] ?? [])
  if (said.length === 0) return {}
  const on = said.flatMap((each) => each.split(/[\s,]+/)).filter((word) => word !== '')
  const bad = on.find((word) => !isPattern(word))
  if (on.length === 0) return { wrong: 'says "# on:" and names no event' }
  if (bad !== undefined) return { wrong: `says "# on:" with ${JSON.stringify(bad.slice(0, 60))}, which no event is` }
  return { on }
}

function isPattern(word: string): boolean {
  const [, kind = ''] = pattern.exec(word) ?? []
  return kind === '*' || (eventKinds as readonly string[]).includes(kind)
}

/** `what` is `KIND.EVENT`. A kind alone stands for all of it. */
export function isWanted({ on }: Wanted, what: string): boolean {
  if (!on) return true
  const [kind, event] = what.split('.')
  return on.some((word) => {
    const [ofKind, ofEvent = '*'] = word.split('.')
    return (ofKind === '*' || ofKind === kind) && (ofEvent === '*' || ofEvent === event)
  })
}
