/** What a host is told of its member of the store. The first member of a farm has no record: it was there before. */
import type { MemberWish } from '../../drivers/member/driver.ts'

export interface StoreMemberRecord {
  readonly schema: number
  readonly host: string
  /**
   * `wanted`, written by who leads: the host starts it. `lost`, written by the host: its data is gone. `gone`, written by
   * who leads: it is no member any more; the host takes away what is left of it, and the record with that.
   */
  readonly state: 'wanted' | 'lost' | 'gone'
  readonly clientUrl: string
  readonly peerUrl: string
  readonly initial: MemberWish['initial']
}
