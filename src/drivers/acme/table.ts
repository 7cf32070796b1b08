/** The ways to an ACME server there are. */
import { createAcmeClient } from './client/index.ts'
import type { Acme } from './driver.ts'

export const acmeDrivers = { client: createAcmeClient } as const satisfies Record<
  string,
  (parts: { readonly environment: NodeJS.ProcessEnv }) => Acme
>
