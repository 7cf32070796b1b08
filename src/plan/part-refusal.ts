/** What the loops of the farm make is theirs to change: a verb that would fight them is refused with the right one. Pure. */
import { CroftError } from '../api/errors.ts'
import type { GuestPart } from '../api/guest.ts'

export function refusal(name: string, part: GuestPart, verb: string): CroftError {
  if (part.kind === 'build')
    return new CroftError('REFUSED', `${name} is the guest of a build, and goes with it`, {
      hint: `croft build cancel ${part.id}`,
    })
  return new CroftError('REFUSED', `${name} belongs to the site ${part.site}, which would undo that`, {
    hint: hintFor(verb === 'snapshot add' ? verb : (verb.split(' ')[0] ?? ''), part.site),
  })
}

function hintFor(verb: string, site: string): string {
  switch (verb) {
    case 'start':
    case 'unfreeze':
      return `croft site start ${site}`
    case 'stop':
    case 'kill':
    case 'freeze':
      return `croft site stop ${site}`
    case 'restart':
      return `croft site restart ${site}`
    case 'rm':
      return `croft site scale ${site} NUMBER`
    case 'set':
    case 'edit':
      return `croft config set ${site} instances.size=SIZE   (or daemon.NAME.memory=300M)`
    case 'mount':
      return `croft config set ${site} data.NAME.path=FOLDER`
    case 'port':
    case 'address':
      return `croft route add DOMAIN to=${site}`
    case 'clone':
    case 'publish':
      return `croft release ls`
    case 'snapshot add':
      return `what lasts of it is in its data, not on this disk: croft site show ${site}`
    case 'snapshot':
      return `croft site rollback ${site}`
    default:
      return `croft site show ${site}`
  }
}
