/** Folders of the host that are bound into a guest. */
import { z } from 'zod'

export interface Mount {
  /** On the host. */
  readonly source: string
  /** In the guest. */
  readonly target: string
  readonly readOnly: boolean
}
export interface MountView extends Mount {
  readonly guest: string
}

export const mostMounts = 32

const Folder = z
  .string()
  .max(500)
  .regex(/^(?:\/[^/\p{C}\p{Zl}\p{Zp}]+)+$/u, 'must be an absolute path like /srv/photos, without a / at its end')
  .refine((path) => !/\/\.\.?(?:\/|$)/.test(path), 'must not hold "." or ".."')
  .refine((path) => !/\s$/.test(path), 'must not end with a space')

/** systemd mounts over /run; the others are the kernel's, or croft's. */
const GuestFolder = Folder.refine(
  (path) => !/^\/(?:dev|proc|run|sys)(?:\/|$)/.test(path),
  'must not lie in /dev, /proc, /run or /sys of the guest',
)

export const NewMount = z.strictObject({ source: Folder, target: GuestFolder, readOnly: z.boolean().default(false) })
export const MountRef = z.strictObject({ target: Folder })
