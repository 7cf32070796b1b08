import type { HostPressure } from '../../api/resources.ts'

/** `cpu 6%  memory 0%  io 2%`: of the last minute, the time in which something waited for it. */
export const pressureText = ({ cpu, memory, io }: HostPressure): string =>
  Object.entries({ cpu, memory, io })
    .map(([name, { some60 }]) => `${name} ${Math.round(some60)}%`)
    .join('   ')
