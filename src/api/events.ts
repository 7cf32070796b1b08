/** What happened, as `GET /v1/events` tells it: one JSON object a line. Knows nothing of zod. */
export const eventKinds = [
  'farm',
  'host',
  'pool',
  'size',
  'guest',
  'route',
  'app',
  'site',
  'snapshot',
  'template',
  'op',
  'hook',
  'check',
  'edge',
  'replica',
  'certificate',
] as const
export type EventKind = (typeof eventKinds)[number]

export interface FarmEvent {
  /** Where to go on behind this event: nothing after it is lost, nothing up to it comes again. */
  readonly cursor: string
  /** When, as the records tell it. */
  readonly at: string
  readonly kind: EventKind
  readonly name: string
  /** `started`, `died`, `built` …; docs/design/events.md has the table. */
  readonly event: string
  readonly host?: string
  readonly by?: string
  /** Why: as was said with the change, or what failed. */
  readonly reason?: string
  readonly detail?: string
}

/** A line without an event says how far the stream has come: the first line, and when nothing has happened for a while. */
export interface EventMark {
  readonly cursor: string
}

/** The last line of a stream that could not go on. */
export interface EventEnd {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string }
}

export type EventLine = FarmEvent | EventMark | EventEnd
