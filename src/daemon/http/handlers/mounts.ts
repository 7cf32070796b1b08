/** Folders of the host in a guest: a part of its spec. An operator from afar, who is not trusted with hosts, gives none. */
import { CroftError } from '../../../api/errors.ts'
import { mostMounts } from '../../../api/mount.ts'
import { getFarm } from '../../daemon.ts'
import { changeSpec } from '../../records/guest-spec.ts'
import type { Handlers } from '../handler.ts'

export const handlers = {
  async addMount(daemon, { params, body, query, caller }) {
    if (caller.token !== undefined)
      throw new CroftError('FORBIDDEN', 'folders of a host are given to guests by root on that host', {
        hint: `there: croft mount add ${params.guest} ${body.source}:${body.target}`,
      })
    await getFarm(daemon).parts.runtime.checkMount(body)
    return changeSpec(daemon, { name: params.guest, verb: 'mount add', query, caller }, (spec) => {
      const others = (spec.mounts ?? []).filter(({ target }) => target !== body.target)
      if (others.length >= mostMounts)
        throw new CroftError('LIMIT_REACHED', `a guest has at most ${mostMounts} folders of its host`)
      return { ...spec, mounts: [...others, body] }
    })
  },

  async removeMount(daemon, { params, body, query, caller }) {
    return changeSpec(daemon, { name: params.guest, verb: 'mount rm', query, caller }, ({ mounts = [], ...spec }) => {
      const left = mounts.filter(({ target }) => target !== body.target)
      if (left.length === mounts.length)
        throw new CroftError('NOT_FOUND', `nothing of the host is bound on ${body.target} of "${params.guest}"`, {
          hint: `croft mount ls ${params.guest}`,
        })
      return left.length === 0 ? spec : { ...spec, mounts: left }
    })
  },
} satisfies Partial<Handlers>
