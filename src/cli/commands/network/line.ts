import type { Network } from '../../../api/network.ts'

export const networkLine = ({ name, vlan, uplink, prefix4, prefix6, gateways = [] }: Network): string =>
  [
    `${name}: VLAN ${vlan} on ${uplink}`,
    ...[prefix4, prefix6].filter((prefix) => prefix !== null),
    ...(gateways.length === 0 ? [] : [`by ${gateways.join(', ')}`]),
  ].join(', ')
