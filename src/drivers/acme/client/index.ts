/** The ACME server by acme-client, in a process for each certificate. */
import { CroftError, toCroftError } from '../../../api/errors.ts'
import type { Command } from '../../exec/command.ts'
import { startTalk } from '../../exec/talk.ts'
import type { Acme, AcmeOutcome, AcmeSteps, AcmeWish, NameFailure } from '../driver.ts'
import type { Said } from './words.ts'

/** Beside the daemon's own file in a bundle, beside this one in the sources. */
const clientFile = import.meta.url.endsWith('.ts') ? './main.ts' : './acme.mjs'
const workMs = 10 * 60_000

/** `SSL_CERT_FILE` of the daemon names other roots than the host's, for an ACME server of one's own. */
export const clientCommand = (environment: NodeJS.ProcessEnv): Command => ({
  file: process.execPath,
  args: ['--use-system-ca', '--max-old-space-size=256', new URL(clientFile, import.meta.url).pathname],
  env: environment.SSL_CERT_FILE === undefined ? {} : { SSL_CERT_FILE: environment.SSL_CERT_FILE },
  timeoutMs: workMs,
})

export const createAcmeClient = ({ environment }: { readonly environment: NodeJS.ProcessEnv }): Acme => ({
  name: 'client',
  issue: (wish, steps, signal) => converse(clientCommand(environment), { wish, steps, signal }),
})

async function converse(
  command: Command,
  { wish, steps, signal }: { wish: AcmeWish; steps: AcmeSteps; signal: AbortSignal },
): Promise<AcmeOutcome> {
  let outcome: AcmeOutcome | undefined
  let broken: CroftError | undefined
  let turn: Promise<void> = Promise.resolve()
  const talk = startTalk(command, {
    signal,
    onLine(line) {
      turn = turn
        .then(() => answer(line))
        .catch((thrown) => {
          broken ??= toCroftError(thrown)
          talk.end()
        })
    },
  })

  async function answer(line: string): Promise<void> {
    if (broken) return
    const said = JSON.parse(line) as Said
    if (said.say === 'outcome') {
      outcome = said.outcome
      return
    }
    let failures: readonly NameFailure[] = []
    if (said.say === 'account') await steps.account({ url: said.url, caaIdentities: said.caaIdentities })
    if (said.say === 'begun') await steps.begun(said.order)
    if (said.say === 'prove') failures = await steps.prove(said.proofs)
    talk.say(JSON.stringify({ failures }))
  }

  talk.say(JSON.stringify({ wish }))
  const end = await talk.ended
  await turn
  if (broken) throw broken
  if (outcome) return outcome
  if (end.timedOut) return late
  const said = end.stderr.trim().split('\n').slice(-5).join('\n')
  throw new CroftError('FAILED', `the ACME client ended without an answer (exit ${end.code ?? end.signal})\n${said}`)
}

const late: AcmeOutcome = {
  ...{ end: 'refused', names: [], later: true },
  reason: `the ACME server was not done after ${workMs / 60_000} minutes`,
}
