/** Hooks: refused ones, and those that fail. */
import type { Finding } from '../../api/resources.ts'
import type { HookState } from '../../plan/events.ts'
import { findHooks, type HooksFound } from '../hooks/folder.ts'
import { keys } from '../records/keys.ts'
import { readAll } from '../records/records.ts'
import { ok, red, type Theme, warn } from './finding.ts'

export const hooks: Theme = {
  name: 'hooks',
  async examine(_look, { settings, store, open }) {
    const found = await findHooks(settings.hooksDir)
    const prefix = open && keys.hooks(open.parts.host.name)
    const records = store && prefix !== undefined ? await readAll<HookState>(store, prefix) : []
    const states = records.map(({ key, value }) => ({ name: key.slice(prefix?.length), state: value }))
    return judgeHooks(settings.hooksDir, found, states)
  },
}

export function judgeHooks(
  folder: string,
  found: HooksFound,
  states: readonly { readonly name: string; readonly state: HookState }[],
): Finding[] {
  const refused = found.refused.map(({ path, why }) =>
    /^says /.test(why)
      ? red('hooks', `${path} ${why}: it does not run`, `mend the line in ${path}, like "# on: guest.died, route.*"`)
      : red('hooks', `${path} ${why}: no hook there runs`, `chown root: ${path}; chmod go-w ${path}`),
  )
  const failing = states
    .filter(({ name, state }) => state.state === 'failed' && found.hooks.some((hook) => hook.name === name))
    .map(({ name, state }) =>
      warn(
        'hooks',
        `${name} has failed since ${state.at}, first at ${state.event}: ${state.reason ?? ''}`,
        `run it by hand: ${folder}/${name} ${state.event}; croft events --kind hook`,
      ),
    )
  const wrong = [...refused, ...failing]
  if (wrong.length > 0 || found.hooks.length === 0) return wrong
  const named = found.hooks.map(({ name, on }) => (on === undefined ? name : `${name} (${on.join(' ')})`))
  return [ok('hooks', `${named.join(', ')} in ${folder}`)]
}
