/** How hosts come into the farm and leave it. What an invitation opens is `invitation`, and nothing else. */
import { can, type Route } from './route.ts'

export const joinRoutes = {
  inviteHost: {
    method: 'POST',
    path: '/v1/invitations',
    access: can('operate', 'host'),
    summary: 'a token for one host to join with; said once',
  },
  joinFarm: {
    method: 'POST',
    path: '/v1/join',
    access: can('operate', 'farm'),
    summary: 'go with this host into the farm that has invited it',
  },
  getInvitation: {
    method: 'GET',
    path: '/v1/invitation',
    access: can('use', 'invitation'),
    summary: 'for who shows an invitation: which farm this is',
  },
  admitHost: {
    method: 'POST',
    path: '/v1/invitation',
    access: can('use', 'invitation'),
    summary:
      'for who shows an invitation: all that makes a host one of the farm; moves the store when this is the second host',
  },
  leaveFarm: {
    method: 'POST',
    path: '/v1/hosts/:host/leave',
    access: can('operate', 'host'),
    summary: 'take a host without guests out of the farm',
  },
  declareDead: {
    method: 'POST',
    path: '/v1/hosts/:host/declare-dead',
    access: can('operate', 'host'),
    summary: 'a host that does not come back: nobody believes it any more',
  },
} as const satisfies Record<string, Route>
