/** What the host that leads the farm's loops asks of guests here. */
import { CroftError } from '../../../api/errors.ts'
import { getFarm } from '../../daemon.ts'
import { keys } from '../../records/keys.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async runForPeer(daemon, { params, body, closed }) {
    const { inside, host } = getFarm(daemon).parts
    const number = Number(params.inside)
    if (!(await daemon.store.get(keys.guest(host.name, number))).entry)
      throw new CroftError('ELSEWHERE', `guest ${number} is not on host ${host.name}`, { hint: 'say it again' })
    const { words, env, user, folder, timeoutMs, maxBytes } = body
    return inside.run(number, words, {
      ...{ signal: closed, timeoutMs },
      ...(env === undefined ? {} : { env }),
      ...(user === undefined ? {} : { user }),
      ...(folder === undefined ? {} : { folder }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    })
  },
} satisfies Partial<Handlers>
