/** What the reader and tar said. */
import { CroftError } from '../../../api/errors.ts'
import type { StageEnd } from '../../exec/pipeline.ts'
import { lastLines } from '../../exec/runner.ts'
import type { ImageFacts } from '../driver.ts'

interface Told {
  readonly facts?: ImageFacts
  readonly refused?: string
  readonly failed?: string
}

export function factsOf(stderr: string): { readonly facts: ImageFacts } {
  const { facts } = toldBy(stderr)
  if (facts) return { facts }
  throw new CroftError('FAILED', `the archive was read, but not what it is\n${lastLines(stderr, 5)}`)
}

export function readFailed(end: StageEnd | undefined): CroftError {
  if (end?.timedOut) return unsafe('reading the archive took too long')
  const { refused, failed } = toldBy(end?.stderr ?? '')
  if (refused !== undefined) return unsafe(refused)
  const why = failed ?? lastLines(end?.stderr ?? '', 5)
  return new CroftError('FAILED', `the archive could not be read\n${why || `ended by ${end?.signal ?? end?.code}`}`)
}

export function unpackFailed(end: StageEnd | undefined): CroftError {
  const said = end?.stderr ?? ''
  if (end?.timedOut) return unsafe('unpacking the archive took too long')
  if (/No space left on device|Disk quota exceeded/.test(said))
    return new CroftError('POOL_FULL', 'the pool has no room for what the archive holds', { hint: 'croft pool ls' })
  return new CroftError('FAILED', `the archive could not be unpacked\n${lastLines(said, 5)}`)
}

/** It ended because tar did: what tar said is the reason. */
export const hadNoReader = (end: StageEnd | undefined): boolean => /EPIPE/.test(toldBy(end?.stderr ?? '').failed ?? '')

export const packFailed = (end: StageEnd | undefined): CroftError =>
  new CroftError('FAILED', `the template could not be packed\n${lastLines(end?.stderr ?? '', 5)}`)

/** The last line of JSON; what a program said besides is for people. */
function toldBy(stderr: string): Told {
  for (const line of stderr.trim().split('\n').reverse()) {
    if (!line.startsWith('{')) continue
    try {
      return JSON.parse(line) as Told
    } catch {
      return {}
    }
  }
  return {}
}

const unsafe = (message: string): CroftError =>
  new CroftError('TEMPLATE_UNSAFE', message, { hint: 'nothing of it was kept' })
