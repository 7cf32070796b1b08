/**
 * A command of croft.toml as words. As make does it: one that is nothing but words is run as it is; one that needs a shell
 * gets the instance's own. No shell of the host ever sees it.
 */
export function wordsOf(command: string): readonly string[] {
  return plainWords(command) ?? ['/bin/sh', '-c', command]
}

/** Undefined when a shell is needed to understand it. */
function plainWords(command: string): readonly string[] | undefined {
  const words: string[] = []
  const token = /\s*(?:'([^']*)'|"([^"$`\\]*)"|([^\s'"$`\\|&;<>()*?[\]{}~#!\n]+))/y
  let word: string | undefined
  const text = command.trim()
  for (let at = 0; at < text.length; ) {
    token.lastIndex = at
    const match = token.exec(text)
    if (!match) return undefined
    const [whole, single, double, bare] = match
    const apart = /^\s/.test(whole)
    if (apart && word !== undefined) words.push(word)
    word = (apart ? '' : (word ?? '')) + (single ?? double ?? bare ?? '')
    at = token.lastIndex
  }
  if (word !== undefined) words.push(word)
  // A variable before the command is the shell's to set.
  return /^[A-Za-z_]\w*=/.test(words[0] ?? '=') ? undefined : words
}
