import type { Size } from '../../../api/size.ts'
import { bytesText } from '../../screen/cells.ts'

export const sizeLine = ({ name, memoryBytes, cpus, diskBytes, processes }: Size): string =>
  `${name}: ${bytesText(memoryBytes)} memory, ${cpus} cpu, ${bytesText(diskBytes)} disk, ${processes} processes`
