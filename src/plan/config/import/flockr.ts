/** flockr's `config.yaml`: a base, code that is merged into it, a template, nodes of a size. */
import { parseDocument } from 'yaml'
import { CroftError } from '../../../api/errors.ts'
import { printableLine } from '../../../api/printable.ts'
import type { Draft } from './import.ts'

type Table = Readonly<Record<string, unknown>>
const asTable = (value: unknown): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {}

export function fromFlockr(text: string, file: string): Draft {
  const all = asTable(read(text, file))
  const [build, template, deploy] = [asTable(all.build), asTable(all.template), asTable(all.deploy)]
  const notes: string[] = []
  const root = String(build.application_wwwroot ?? '')
  if (build.application_repository !== undefined) {
    const how = String(build.repository_type).toUpperCase() === 'TAR' ? '--tar' : '--git'
    notes.push(`the code: croft build APP ${how} ${String(build.application_repository)}`)
  }
  if (build.base_url !== undefined)
    notes.push(`the base: croft template import base:v1 ${String(build.base_url)}, then base = "base:v1" below [build]`)
  if (root !== '')
    notes.push(
      `${root} was where the code lay: it is /srv/app now, and what served that folder in the base is no part of it; the platform serves it`,
    )
  if (deploy.security_groups !== undefined)
    notes.push(
      `security groups ${String(deploy.security_groups)}: nothing is open but what croft route and croft allow open`,
    )
  const cloud = [...Object.keys(template), ...Object.keys(deploy)].filter((key) =>
    /zoneid|ostype|upload_url|display_url|hypervisor/.test(key),
  )
  if (cloud.length > 0)
    notes.push(`${[...new Set(cloud)].join(', ')}: of CloudStack; a release is a template of the farm by itself`)
  for (const key of Object.keys(all))
    if (!['build', 'template', 'deploy'].includes(key))
      notes.push(`${key} is nothing of flockr that is known here: left out`)
  const size = typeof deploy.instance_size === 'string' ? sizeName(deploy.instance_size, notes) : undefined
  const www = /\/(www|html|htdocs|public)\/?$/.test(root)
  return {
    said: {
      app: { platform: www ? 'php' : 'plain', ...(www ? { root: '.' } : {}) },
      ...(size === undefined ? {} : { instances: { size } }),
    },
    notes: [
      ...notes,
      ...(www
        ? ['platform php serves plain files too; platform = "static" is smaller where there is no PHP']
        : ['set [daemon.web] command and port']),
    ],
  }
}

function sizeName(said: string, notes: string[]): string | undefined {
  const name = said
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 31)
  if (name === '') return undefined
  notes.push(`size ${said}: croft size add ${name} memory=… cpu=… disk=…, if there is none`)
  return name
}

function read(text: string, file: string): unknown {
  const document = parseDocument(text, { schema: 'core', uniqueKeys: true, logLevel: 'silent' })
  const [error] = document.errors
  if (error) {
    const { line = 1, col = 1 } = error.linePos?.[0] ?? {}
    throw new CroftError(
      'BAD_VALUE',
      printableLine(`${file}:${line}:${col}: ${error.message.split('\n')[0]?.replace(/ at line .*$/, '')}`),
    )
  }
  try {
    return document.toJS({ maxAliasCount: 20 })
  } catch (thrown) {
    throw new CroftError('BAD_VALUE', printableLine(`${file}: ${(thrown as Error).message}`))
  }
}
