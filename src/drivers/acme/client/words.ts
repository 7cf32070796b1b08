/** What the daemon and the process that talks to the ACME server say to each other: a line of JSON each. */
import type { AcmeAccount, AcmeOutcome, AcmeWish, NameFailure, Proof } from '../driver.ts'

export type Said =
  | ({ readonly say: 'account' } & AcmeAccount)
  | { readonly say: 'begun'; readonly order: string }
  | { readonly say: 'prove'; readonly proofs: readonly Proof[] }
  | { readonly say: 'outcome'; readonly outcome: AcmeOutcome }

/** First the wish; then an answer to each thing said but the outcome. */
export type Heard = { readonly wish: AcmeWish } | { readonly failures: readonly NameFailure[] }

/** Printable, one line, not without end: it comes from a server and goes to people. */
export const plainText = (text: string): string =>
  text
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, 500)
