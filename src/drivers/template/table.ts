/** The kinds of template builders there are. */
import type { Runner } from '../exec/command.ts'
import type { TemplateBuilder } from './driver.ts'
import { createFakeBuilder } from './fake/index.ts'
import { createMmdebstrap } from './mmdebstrap/index.ts'

export const templateBuilders = {
  mmdebstrap: createMmdebstrap,
  fake: createFakeBuilder,
} as const satisfies Record<string, (parts: { readonly run: Runner; readonly workDir?: string }) => TemplateBuilder>

export type TemplateBuilderName = keyof typeof templateBuilders
