/** Names in memory: the same checks as a real server, and questions that are asked directly. */
import { checkZone } from '../check.ts'
import { type Names, type View, views, type Zone } from '../driver.ts'

export interface FakeNames extends Names {
  /** Addresses of a name or names of an address; undefined when the view knows nothing of it. */
  ask(view: View, question: string): readonly string[] | undefined
  /** As a foreign hand does. */
  kill(view: View): void
  readonly zone: Zone | undefined
}

/** `outside` is what other servers know. */
export function createFakeNames(outside: Readonly<Record<string, readonly string[]>> = {}): FakeNames {
  const alive = new Set<View>()
  let zone: Zone | undefined
  return {
    name: 'fake',
    async publish(next) {
      checkZone(next)
      zone = structuredClone(next)
      for (const view of views) alive.add(view)
    },
    silent: async () => views.filter((view) => !alive.has(view)),
    async stop() {
      alive.clear()
    },
    ask(view, question) {
      if (!zone || !alive.has(view)) return undefined
      const { farm, names } = zone
      const suffix = `.${farm}.internal`
      const named = names.find(({ name }) => `${name}${suffix}` === question)
      if (named) return named.addresses
      const owner = names.find(({ addresses }) => addresses.includes(question))
      if (owner) return [`${owner.name}${suffix}`]
      return view === 'open' && !question.endsWith('.internal') ? outside[question] : undefined
    },
    kill: (view) => void alive.delete(view),
    get zone() {
      return zone
    },
  }
}
