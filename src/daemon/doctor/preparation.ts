/** The kernel's settings that `croft host-prepare` makes. */
import type { Finding } from '../../api/resources.ts'
import { dotted, type Setting, settings, valueFor } from '../hostprep/values.ts'
import { ok, red, type Theme, warn } from './finding.ts'
import type { Look } from './look.ts'

/** What stands now, by path; a setting that this kernel or namespace does not have is left out. */
export type FoundSettings = ReadonlyMap<string, number>

/** Without these the first dozen guests do not live, or see what is not theirs; the others are for many guests. */
const needed: ReadonlySet<string> = new Set(['fs/inotify/max_user_instances', 'kernel/dmesg_restrict'])

export const preparation: Theme = {
  name: 'sysctl',
  examine: async (look) => judgeSettings(await readSettings(look)),
}

export function judgeSettings(found: FoundSettings): Finding[] {
  const wrong = settings.filter((setting) => {
    const value = found.get(setting.path)
    return value !== undefined && valueFor(setting, value) !== value
  })
  const tell = ({ path, wanted, why }: Setting) => `${dotted(path)} is ${found.get(path)}, not ${wanted}: ${why}`
  const verdict = wrong.some(({ path }) => needed.has(path)) ? red : warn
  if (wrong.length > 0) return [verdict('sysctl', wrong.map(tell).join('; '), 'croft doctor --fix sysctl')]
  return [ok('sysctl', `${found.size} kernel settings are as guests need them`)]
}

async function readSettings(look: Look): Promise<FoundSettings> {
  const found = new Map<string, number>()
  for (const { path } of settings) {
    const text = await look.text(`/proc/sys/${path}`)
    if (text !== undefined) found.set(path, Number(text))
  }
  return found
}
