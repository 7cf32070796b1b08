/** Other people's rules that drop what ours let through. A verdict of ours cannot overrule theirs: doctor tells. Pure. */
import { z } from 'zod'

export interface ForeignDrop {
  /** Family and name, as `nft list table` takes them. */
  readonly table: string
  readonly chain: string
  readonly hook: string
  readonly why: string
}

const Entry = z.object({
  chain: z
    .object({ family: z.string(), table: z.string(), name: z.string(), hook: z.string(), policy: z.string() })
    .optional()
    .catch(undefined),
})
const Ruleset = z.object({ nftables: z.array(Entry) })

const meaning: Record<string, string> = {
  forward: 'guests reach nothing outside and published ports are shut',
  input: 'what this host serves to its guests may be shut',
}

/** Takes `nft -j list chains` or `nft -j list ruleset`, parsed. `table` is ours. */
export function findForeignDrops(ruleset: unknown, table = 'croft'): ForeignDrop[] {
  return Ruleset.parse(ruleset).nftables.flatMap(({ chain }) => {
    if (chain?.policy !== 'drop' || chain.table === table) return []
    const means = ['inet', 'ip', 'ip6'].includes(chain.family) ? meaning[chain.hook] : undefined
    if (means === undefined) return []
    const why = `policy drop on ${chain.hook}${ownerOf(chain)}: ${means}`
    return [{ table: `${chain.family} ${chain.table}`, chain: chain.name, hook: chain.hook, why }]
  })
}

/** Who is known to write such a table. Docker and ufw share the tables that iptables-nft makes. */
function ownerOf({ family, table }: { family: string; table: string }): string {
  if (table === 'firewalld') return ' (firewalld)'
  if (table === 'filter' && family !== 'inet') return ' (iptables: Docker or ufw)'
  return ''
}
