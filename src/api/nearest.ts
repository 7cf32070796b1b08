/** The word that was probably meant: at most two slips away, fewer for short words. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const short = word.slice(0, 40)
  const allowed = short.length < 4 ? 1 : short.length < 7 ? 2 : 3
  let best: { readonly word: string; readonly slips: number } | undefined
  for (const candidate of candidates) {
    const slips = candidate.startsWith(short) && short.length > 2 ? 1 : distance(short, candidate)
    // Two slips and another first letter are another word.
    const alike = slips < 2 || candidate[0] === short[0]
    if (alike && slips <= allowed && slips < candidate.length && (best === undefined || slips < best.slips)) {
      best = { word: candidate, slips }
    }
  }
  return best?.word
}

/** Insertions, deletions, replacements and swaps of neighbours between two words. */
export function distance(from: string, to: string): number {
  let before: number[] = []
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current[column] = Math.min(
        at(above, column) + 1,
        at(current, column - 1) + 1,
        at(above, column - 1) + (same ? 0 : 1),
        swapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = above
    above = current
  }
  return at(above, to.length)
}

const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY
