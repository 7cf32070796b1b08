/** Moves of guests, and of sites' data, to other hosts: the wish, and what the other host answers. The work is loaded with the first one. */
import { CroftError } from '../../../api/errors.ts'
import { getFarm } from '../../daemon.ts'
import { accepted, commit } from '../../records/change.ts'
import { viewGuest } from '../../records/guests.ts'
import { viewSite } from '../../records/site-views.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async moveGuest(daemon, { params, body, query, caller }) {
    const { newMove, planSteps } = await import('../../moves/new.ts')
    const asked = { guest: params.guest, id: daemon.env.id(), ...body }
    if (query.dryRun) return { operation: null, result: null, steps: await planSteps(daemon, asked) }
    const operation = await commit(daemon, caller, query, () => newMove(daemon, caller, asked))
    return accepted(daemon, query, operation, () => viewGuest(daemon, params.guest))
  },

  async moveSite(daemon, { params, body, query, caller }) {
    const { newSiteMove, planSiteSteps } = await import('../../moves/new-site.ts')
    const asked = { site: params.site, id: daemon.env.id(), ...body }
    if (query.dryRun) return { operation: null, result: null, steps: await planSiteSteps(daemon, asked) }
    const operation = await commit(daemon, caller, query, () => newSiteMove(daemon, caller, asked))
    return accepted(daemon, query, operation, () => viewSite(daemon, params.site))
  },

  async lookForPeer(daemon, { params }) {
    const { lookHere } = await import('../../moves/receive.ts')
    return lookHere(getFarm(daemon), params.host, Number(params.number))
  },

  async sendTemplate(daemon, { params, query, caller, closed }) {
    const { sendTemplate } = await import('../../moves/send-template.ts')
    const stream = await sendTemplate(getFarm(daemon).parts, {
      ...{ id: params.disk, to: caller.name.replace(/^host:/, ''), known: query, signal: closed },
    })
    return { stream, type: 'application/octet-stream' }
  },

  async receiveFromPeer(daemon, { params, caller, stream, closed }) {
    if (!stream) throw new CroftError('BAD_REQUEST', 'the body must be the disk itself: application/octet-stream')
    const { receiveDisk } = await import('../../moves/receive.ts')
    const asked = { number: Number(params.number), disk: params.disk, stream, signal: closed }
    return receiveDisk(getFarm(daemon).parts, caller, asked)
  },

  async landFromPeer(daemon, { params, body, caller }) {
    const { landDisk } = await import('../../moves/receive.ts')
    await landDisk(getFarm(daemon).parts, caller, Number(params.number), body)
    return {}
  },
} satisfies Partial<Handlers>
