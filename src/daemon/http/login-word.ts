/** All that `croft login` needs, as one word: where, the CA's fingerprint, and the login token. The CLI reads it back. */
export interface LoginWord {
  readonly address: string
  readonly fingerprint: string
  readonly secret: string
}

export const loginWord = ({ address, fingerprint, secret }: LoginWord): string =>
  `cf1.${Buffer.from(`${address} ${fingerprint} ${secret}`).toString('base64url')}`
