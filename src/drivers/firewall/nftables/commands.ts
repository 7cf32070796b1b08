import type { Command } from '../../exec/command.ts'

/** Text, not JSON: nft opens JSON input anew by path, which fails for the socket that Node gives as stdin. */
export const applyScript = (script: string): Command => ({
  file: 'nft',
  args: ['-f', '-'],
  stdin: script,
  timeoutMs: 60_000,
})

/** `terse` leaves the elements out. */
export const listTable = (family: 'inet' | 'arp', table: string, terse: boolean): Command => ({
  file: 'nft',
  args: [...(terse ? ['-j', '-t'] : ['-j']), 'list', 'table', family, table],
  timeoutMs: 60_000,
})
