/** One handler a route; a missing one does not compile. */
import type { Handlers } from '../handler.ts'
import * as addresses from './addresses.ts'
import * as apps from './apps.ts'
import * as builds from './builds.ts'
import * as ca from './ca.ts'
import * as certificates from './certificates.ts'
import * as checks from './checks.ts'
import * as config from './config.ts'
import * as deploys from './deploys.ts'
import * as door from './door.ts'

import * as events from './events.ts'
import * as farInside from './far-inside.ts'
import * as farm from './farm.ts'
import * as guestChanges from './guest-changes.ts'
import * as guests from './guests.ts'
import * as history from './history.ts'
import * as hosts from './hosts.ts'
import * as joining from './joining.ts'
import * as leaving from './leaving.ts'
import * as mesh from './mesh.ts'
import * as metrics from './metrics.ts'
import * as mounts from './mounts.ts'
import * as moves from './moves.ts'
import * as networks from './networks.ts'
import * as placing from './placing.ts'
import * as replicas from './replicas.ts'
import * as routes from './routes.ts'
import * as rules from './rules.ts'
import * as secrets from './secrets.ts'
import * as sites from './sites.ts'
import * as sizes from './sizes.ts'
import * as snapshots from './snapshots.ts'
import * as store from './store.ts'
import * as templateImages from './template-images.ts'
import * as templates from './templates.ts'
import * as tokens from './tokens.ts'
import * as volumes from './volumes.ts'

export const handlers: Handlers = {
  ...farm.handlers,
  ...guests.handlers,
  ...guestChanges.handlers,
  ...routes.handlers,
  ...apps.handlers,
  ...sites.handlers,
  ...config.handlers,
  ...secrets.handlers,
  ...rules.handlers,
  ...addresses.handlers,
  ...mounts.handlers,
  ...moves.handlers,
  ...replicas.handlers,
  ...snapshots.handlers,
  ...templates.handlers,
  ...templateImages.handlers,
  ...hosts.handlers,
  ...mesh.handlers,
  ...networks.handlers,
  ...farInside.handlers,
  ...placing.handlers,
  ...sizes.handlers,
  ...history.handlers,
  ...events.handlers,
  ...metrics.handlers,
  ...tokens.handlers,
  ...certificates.handlers,
  ...deploys.handlers,
  ...door.handlers,
  ...ca.handlers,
  ...joining.handlers,
  ...leaving.handlers,
  ...store.handlers,
  ...checks.handlers,
  ...builds.handlers,
  ...volumes.handlers,
}
