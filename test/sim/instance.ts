/** An instance as the loop of rollouts makes it. */
import type { SeedFile } from '../../src/api/app.ts'
import type { GuestSpec } from '../../src/api/guest.ts'
import type { Daemon } from '../../src/daemon/daemon.ts'
import { emptySpec } from '../../src/daemon/records/new-guest.ts'
import { createPart } from '../../src/daemon/records/parts.ts'
import { getReadyTemplate } from '../../src/daemon/records/templates.ts'
import { ensureVolume } from '../../src/daemon/records/volumes.ts'

export const loop = { name: 'rollouts', role: 'operator' } as const
export const seed: readonly SeedFile[] = [{ path: '/etc/croft/env', mode: 0o400, text: 'PASSWORD=planted\n' }]

export async function createInstance(daemon: Daemon, name: string, more: Partial<GuestSpec> = {}) {
  const [app, stage, last] = name.split('/')
  const part = { kind: 'instance', site: `${app}/${stage}`, slot: Number(last), release: 'debian:12' } as const
  return createPart(daemon, loop, async () => {
    const { key, revision, value } = await getReadyTemplate(daemon, 'debian:12')
    return {
      ...{ name, seed, verb: 'create' },
      spec: { ...emptySpec, template: value.ref, part, ...more },
      from: { kind: 'template', id: value.id, ref: value.ref },
      compare: [{ key, revision }],
    }
  })
}

export const shopProd = { app: 'shop', stage: 'prod', id: 'site-1' } as const

/** Returns the volume's id. */
export async function withVolume(daemon: Daemon, name: string): Promise<string> {
  const id = await ensureVolume(daemon, { site: shopProd, name: 'uploads', sizeBytes: 1024 ** 3 })
  await createInstance(daemon, name, { volumes: [{ id, target: '/srv/app/uploads' }] })
  return id
}
