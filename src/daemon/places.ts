/** Where this daemon's things are on its machine, and what the machine has for them. */
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TemplateBuilderName, templateBuilders } from '../drivers/template/table.ts'
import { defaultStateDir, type Settings } from './settings.ts'

/** 0711 where guests must pass to their own read-only folder, 0700 everywhere else. */
export function makeFolders(settings: Settings): void {
  for (const [path, mode] of [
    [dirname(settings.socket), 0o755],
    [settings.stateDir, 0o711],
    [settings.lxcPath, 0o711],
    [`${settings.stateDir}/pools`, 0o700],
    [dirname(settings.storeFile), 0o700],
  ] as const) {
    mkdirSync(path, { recursive: true, mode })
    if (path.startsWith(settings.stateDir)) chmodSync(path, mode)
  }
}

/** With the unit systemd runs the name servers, and brings them back; without it they are processes of their own. */
export const hasNamesUnit = (): boolean => hasUnit('croft-names@.service')
/** The unit knows the ordinary place alone. */
export const edgePlace = ({ stateDir }: Settings) => ({
  folder: join(stateDir, 'edge'),
  unit: stateDir === defaultStateDir && hasUnit('croft-edge.service'),
})
const hasUnit = (name: string): boolean =>
  existsSync('/run/systemd/system') &&
  ['/etc', '/usr/lib', '/lib'].some((folder) => existsSync(`${folder}/systemd/system/${name}`))

/** CROFT_TEMPLATE_BUILDER is for tests: the fake one needs no network. */
export function builderName({ CROFT_TEMPLATE_BUILDER: name = '' }: NodeJS.ProcessEnv): TemplateBuilderName {
  return Object.hasOwn(templateBuilders, name) ? (name as TemplateBuilderName) : 'mmdebstrap'
}
