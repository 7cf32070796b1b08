/** Files that a guest's first steps put into it; what begins with the mark is croft's to renew. */
export const ownMark = '# written by croft'

/** Lines of authorized_keys between marks, so that what the guest added by itself stays. */
export function keysFile(keys: readonly string[]): string {
  return keys.length === 0 ? '' : `${['# croft keys', ...keys, '# end of croft keys'].join('\n')}\n`
}
