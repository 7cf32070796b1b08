/** Another host was told where the farm listens, or this one is reached elsewhere: its door goes there without a restart. */
import { doorOf } from '../../plan/host-door.ts'
import type { Log } from '../host/parts.ts'
import type { Others } from '../peers/others.ts'
import type { Outside } from './outside.ts'

export type DoorOfFarm = Pick<Others, 'own' | 'farm' | 'find' | 'onChange'>

/** Where it cannot go it stays as it is. */
export function followDoor(others: DoorOfFarm, outside: Pick<Outside, 'listen'>, log: Log): void {
  others.onChange(() => {
    const [farm, host] = [others.farm(), others.find(others.own)]
    if (!farm || !host) return
    const at = doorOf(farm.listen, host.address)
    outside.listen(at).catch((thrown) => log.warn({ listen: at ?? null, error: String(thrown) }, 'the door stays'))
  })
}
