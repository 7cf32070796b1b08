/**
 * What a manifest on a pool may say. The pool may have come from another host, or from another person's hands: what is
 * adopted passes the same schemas as what is asked for, and ids of users and disks are never taken on trust.
 */
import { z } from 'zod'
import { SiteName } from '../../api/app.ts'
import { Init } from '../../api/guest.ts'
import { AnyGuestName } from '../../api/part.ts'
import { AddressRange, GuestName, LabelKey, OneLine, PublicKey, TemplateRef } from '../../api/values.ts'
import { hostNameOf } from '../../plan/names.ts'
import type { GuestRecord, TemplateRecord, TemplateStatus } from '../records/records.ts'

const Id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
const Bytes = z.int().positive()
const Moment = z.iso.datetime()
const Count = z.int().nonnegative()

const RootSource = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('template'), id: Id, ref: TemplateRef }),
  z.object({ kind: z.enum(['snapshot', 'root']), id: Id, number: Count, name: OneLine }),
])

const Rule = z.object({
  action: z.enum(['allow', 'deny']),
  direction: z.enum(['in', 'out']),
  peer: z.union([z.literal('any'), GuestName, SiteName, AddressRange]),
  service: z.object({
    protocol: z.enum(['any', 'tcp', 'udp', 'icmp']),
    from: z.int().min(1).max(65535).optional(),
    to: z.int().min(1).max(65535).optional(),
  }),
  log: z.boolean(),
})

const GuestManifest = z.object({
  name: AnyGuestName,
  id: Id,
  /** The last slot is kept for builds. */
  slot: z.int().min(0).max(4094).catch(-1),
  generation: Count,
  created: Moment,
  spec: z.object({
    run: z.enum(['running', 'stopped', 'frozen']),
    stop: z.enum(['graceful', 'kill']),
    restarts: Count,
    template: TemplateRef,
    init: Init.optional(),
    root: z.object({ id: Id, from: RootSource }),
    size: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,30}$/)
      .optional(),
    limits: z.strictObject({
      memoryBytes: Bytes.optional(),
      cpus: z.number().positive().max(1024).optional(),
      diskBytes: Bytes.optional(),
      processes: Bytes.optional(),
      diskRate: Bytes.optional(),
      netRate: Bytes.optional(),
      netRateIn: Bytes.optional(),
      netRateOut: Bytes.optional(),
      mtu: z.int().min(1280).max(9216).optional(),
    }),
    labels: z.record(LabelKey, OneLine),
    autostart: z.boolean(),
    order: z.int().min(-1000).max(1000),
    nesting: z.boolean().optional(),
    rules: z.array(Rule).max(200),
    keys: z.array(PublicKey).max(100),
  }),
})

const facts = {
  init: Init.optional(),
  sizeBytes: Bytes.optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
}
const TemplateFacts = z.object(facts)

const TemplateManifest = z.object({
  ref: TemplateRef.refine((ref) => ref.includes(':')),
  created: Moment,
  source: z.object({
    from: OneLine,
    packages: z.array(OneLine).max(200),
    script: z
      .string()
      .max(64 * 1024)
      .optional(),
    mirror: OneLine.optional(),
  }),
  ...facts,
})

export type ToldGuest = Pick<GuestRecord, 'name' | 'id' | 'slot' | 'generation' | 'created'> & {
  readonly spec: Omit<GuestRecord['spec'], 'pool' | 'network' | 'ports' | 'addresses'>
}
export type ToldTemplate = Pick<TemplateRecord, 'ref' | 'created' | 'source'> & {
  readonly facts: Pick<TemplateStatus, 'init' | 'sizeBytes' | 'sha256'>
}

/** The id of the guest that it names. */
export function ownerOf(manifest: unknown): string | undefined {
  const { id } = Object(manifest) as { id?: unknown }
  return typeof id === 'string' ? id : undefined
}

/** Undefined when it is not a manifest of ours. A slot of -1 stands for one that cannot be. */
export const readGuestManifest = (manifest: unknown): ToldGuest | undefined =>
  GuestManifest.transform(ownGuest).safeParse(manifest).data as ToldGuest | undefined

/** What a site had becomes a guest of its own, which does not run: the site may be gone, or have others at its work. */
function ownGuest(told: z.infer<typeof GuestManifest>): z.infer<typeof GuestManifest> {
  if (!told.name.includes('/')) return told
  return { ...told, name: hostNameOf(told.name), spec: { ...told.spec, run: 'stopped' } }
}

export const readTemplateManifest = (manifest: unknown): ToldTemplate | undefined =>
  TemplateManifest.transform((told) => ({ ...told, facts: TemplateFacts.parse(told) })).safeParse(manifest).data as
    | ToldTemplate
    | undefined
