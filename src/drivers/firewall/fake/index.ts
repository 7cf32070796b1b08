/** A firewall in memory: the same checks as a real one, and packets that are asked about instead of sent. */
import { CroftError } from '../../../api/errors.ts'
import { checkModel } from '../check.ts'
import { counterKey, type Firewall, type FirewallModel } from '../driver.ts'
import { type Packet, type Verdict, verdict } from './verdict.ts'

export interface FakeFirewall extends Firewall {
  /** Sends the first packet of a connection; counters count it. */
  send(packet: Packet): Verdict
  /** As a foreign hand does: rules are gone, and everything passes. */
  flush(): void
  readonly model: FirewallModel | undefined
}

export function createFakeFirewall(): FakeFirewall {
  let kernel: FirewallModel | undefined
  const packets = new Map<string, number>()
  return {
    name: 'fake',
    async reconcile(model) {
      checkModel(model)
      kernel = structuredClone(model)
    },
    intact: async () => kernel !== undefined,
    async counters() {
      const keys = (kernel?.guests ?? []).flatMap(({ number, rules }) =>
        rules.map(({ index }) => counterKey(number, index)),
      )
      return new Map(keys.map((key) => [key, packets.get(key) ?? 0]))
    },
    async destroy() {
      kernel = undefined
    },
    send(packet) {
      if (!kernel) throw new CroftError('FAILED', 'no rules stand: everything passes')
      const result = verdict(kernel, packet)
      for (const key of result.rules) packets.set(key, (packets.get(key) ?? 0) + 1)
      return result
    },
    flush: () => {
      kernel = undefined
    },
    get model() {
      return kernel
    },
  }
}
