/** The ways to work on images there are. */
import type { Confinement } from './confinement.ts'
import type { Images } from './driver.ts'
import { createFakeImages } from './fake/index.ts'
import { createImageTools } from './tools/index.ts'

export const imageDrivers = { tools: createImageTools, fake: createFakeImages } as const satisfies Record<
  string,
  (parts: { readonly confinement: Confinement }) => Images
>
