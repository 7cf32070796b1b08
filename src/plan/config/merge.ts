/**
 * Layers, one over the other. A value of a higher one replaces that of a lower; a list does too, unless it holds `...`, which stands for the list
 * below. Whole tables are never replaced: they are no values. A health check is one value.
 */
import type { Flat } from './paths.ts'
import { below } from './values.ts'

/** Associative: which two are merged first makes no difference. */
export function merge(lower: Flat, upper: Flat): Map<string, unknown> {
  const merged = new Map(lower)
  for (const [path, value] of upper) merged.set(path, over(merged.get(path), value))
  return merged
}

export function over(lower: unknown, upper: unknown): unknown {
  if (!Array.isArray(upper) || !Array.isArray(lower)) return upper
  return upper.flatMap((each) => (each === below ? lower : [each]))
}

/** Nothing is below the lowest. */
export const settled = (value: unknown): unknown =>
  Array.isArray(value) ? value.filter((each) => each !== below) : value
