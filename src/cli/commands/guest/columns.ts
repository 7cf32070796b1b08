import type { Guest, Usage } from '../../../api/guest.ts'
import type { Column } from '../../answer.ts'

export function stateOf({ deleting, away, status }: Guest): string {
  if (away) return 'host away'
  return deleting ? 'removing' : (status?.state ?? 'creating')
}

export const guestColumns: readonly Column<Guest>[] = [
  { title: 'NAME', get: (guest) => guest.name },
  { title: 'STATE', as: 'state', get: stateOf },
  { title: 'IPV4', get: (guest) => guest.ipv4 },
  { title: 'TEMPLATE', get: (guest) => guest.spec.template },
  { title: 'CPUS', as: 'number', sparse: true, get: (guest) => guest.spec.limits.cpus ?? null },
  { title: 'MEMORY', as: 'bytes', sparse: true, get: (guest) => guest.spec.limits.memoryBytes ?? null },
  { title: 'DISK', as: 'bytes', wide: true, get: (guest) => guest.spec.limits.diskBytes ?? null },
  { title: 'HOST', wide: true, get: (guest) => guest.host },
  { title: 'NUMBER', as: 'number', wide: true, get: (guest) => guest.number },
  { title: 'IPV6', wide: true, get: (guest) => guest.ipv6 },
  { title: 'POOL', wide: true, get: (guest) => guest.spec.pool },
  { title: 'SIZE', wide: true, get: (guest) => guest.spec.size ?? null },
  { title: 'LABELS', wide: true, get: (guest) => labelsText(guest.spec.labels) },
  { title: 'AGE', as: 'age', get: (guest) => guest.created },
  { title: 'REASON', sparse: true, elastic: true, get: (guest) => guest.status?.reason?.split('\n')[0] ?? null },
]

/** Where the farm has more than one host, each is told; a choice of host was made for some, or it is away. */
export const columnsFor = (guests: readonly Guest[]): readonly Column<Guest>[] =>
  new Set(guests.map(({ host }) => host)).size > 1 || guests.some(({ placed, away }) => placed !== undefined || away)
    ? guestColumns.map(({ wide, ...column }) => (column.title === 'HOST' || !wide ? column : { ...column, wide }))
    : guestColumns

export type UsedGuest = Guest & { readonly usage?: Usage | undefined }

/** What it uses now, beside its limits: with -o wide, or when named. */
export const usedColumns: readonly Column<UsedGuest>[] = [
  { title: 'USEDMEMORY', as: 'bytes', wide: true, get: ({ usage }) => usage?.memoryBytes },
  { title: 'USEDDISK', as: 'bytes', wide: true, get: ({ usage }) => usage?.diskBytes },
  { title: 'CPUTIME', as: 'seconds', wide: true, get: ({ usage }) => usage?.cpuSeconds },
  { title: 'PROCESSES', as: 'number', wide: true, get: ({ usage }) => usage?.processes },
  { title: 'READ', as: 'bytes', wide: true, get: ({ usage }) => usage?.diskReadBytes },
  { title: 'WRITTEN', as: 'bytes', wide: true, get: ({ usage }) => usage?.diskWriteBytes },
  { title: 'IN', as: 'bytes', wide: true, get: ({ usage }) => usage?.netInBytes },
  { title: 'OUT', as: 'bytes', wide: true, get: ({ usage }) => usage?.netOutBytes },
]

export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
