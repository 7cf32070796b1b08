/** Jobs that run once for a site: their timers are begun and ended inside of instances, by words of the service manager. What may be going is in the record before it goes. */
import { CroftError } from '../../api/errors.ts'
import { cronUnit, jobsTarget } from '../../plan/units/cron.ts'
import { type Daemon, getFarm } from '../daemon.ts'
import type { JobsHolder } from '../records/app-records.ts'
import { writeMembers } from './members.ts'
import type { SiteNow } from './site-now.ts'

export interface JobsActs {
  give(now: SiteNow, name: string): Promise<void>
  /** How long it is to be waited for; 0: they rest. */
  rest(now: SiteNow, late: boolean): Promise<number>
}

const askMs = 20_000
const againMs = 1000

export function createJobsActs(daemon: Daemon, signal: AbortSignal): JobsActs {
  const ask = (number: number, words: readonly string[]) =>
    getFarm(daemon).parts.inside.run(number, words, { signal, timeoutMs: askMs, maxBytes: 1024 ** 2 })

  async function manage({ number, name }: JobsHolder, words: readonly string[]): Promise<void> {
    const { code, lines } = await ask(number, ['systemctl', ...words])
    if (code !== 0)
      throw new CroftError('FAILED', `the jobs of ${name}: ${lines.at(-1) ?? `systemctl ended with ${code}`}`)
  }

  async function runs({ number, jobs }: JobsHolder): Promise<boolean> {
    const states = '--state=activating,active,deactivating'
    const services = jobs.map((job) => `${cronUnit(job)}.service`)
    const { lines } = await ask(number, ['systemctl', 'list-units', '--plain', '--no-legend', states, ...services])
    return lines.length > 0
  }

  const write = (now: SiteNow, jobs: JobsHolder) => writeMembers(daemon, now, (record) => ({ ...record, jobs }))

  return {
    async give(now, name) {
      const held = now.members?.value.jobs
      if (held?.name === name && held.state === 'given') {
        await manage(held, ['enable', '--now', '--quiet', jobsTarget])
        return write(now, { ...held, state: 'going' })
      }
      const member = now.members?.value.members.find((each) => each.name === name)
      if (!member) return
      const { id, number, jobs = [] } = member
      await write(now, { id, number, name, jobs, state: 'given' })
    },

    async rest(now, late) {
      const held = now.members?.value.jobs
      if (!held) return 0
      if (!late && (await runs(held))) return againMs
      await manage(held, ['disable', '--now', '--quiet', jobsTarget])
      await manage(held, ['stop', jobsTarget, ...held.jobs.map((job) => `${cronUnit(job)}.timer`)])
      // One may have begun just before.
      if (!late && (await runs(held))) return againMs
      await write(now, { ...held, state: 'resting' })
      return 0
    },
  }
}
