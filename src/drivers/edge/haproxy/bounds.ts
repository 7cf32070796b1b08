/** How much of the edge one client may take. */

/** Of one client address; of IPv6 a whole network is one. */
export const source = 'src,ipmask(32,64)'
const mostConnections = 1024

/** Counted over all that the edge hears. */
export const boundedConnections = [
  `tcp-request connection track-sc0 ${source} table sources`,
  `tcp-request connection reject if { sc0_conn_cur gt ${mostConnections} }`,
]
