/** TCP as it is: by port, or by the name in TLS' first words. Pure. */
import type { EdgeWish, StreamSite } from '../driver.ts'
import { boundedConnections } from './bounds.ts'
import { streamOf, tlsSocket } from './layout.ts'
import { tcpFormat } from './log.ts'
import { serverLines, setOfStream } from './servers.ts'

/** Whether TLS must be looked into before it is ended here. */
export const isPassthrough = ({ https, streams }: EdgeWish): boolean =>
  https.length > 0 && streams.some(({ match }) => match.kind === 'passthrough')

const streamConnections = 4000

export function streamSections(wish: EdgeWish, bindsTo: (listen: string) => string[]): string[][] {
  const sections = wish.streams.flatMap((stream) => [...frontend(stream, bindsTo), backend(stream)])
  // From within the jail, where the socket is all there is.
  const back = ['backend tls', 'mode tcp', 'timeout server 1h', `server local unix@/${tlsSocket} send-proxy-v2`]
  return isPassthrough(wish) && wish.certificates.length > 0 ? [...sections, back] : sections
}

const frontend = ({ id, match }: StreamSite, bindsTo: (listen: string) => string[]): string[][] =>
  match.kind === 'port'
    ? [
        [
          `frontend f_${id}`,
          'mode tcp',
          ...bindsTo(match.listen),
          // Together they leave the sites their connections, and one client leaves the others theirs.
          `maxconn ${streamConnections}`,
          ...boundedConnections,
          'timeout client 1h',
          'option clitcpka',
          `log-format "${tcpFormat(id)}"`,
          `default_backend ${streamOf(id)}`,
        ],
      ]
    : []

const backend = (stream: StreamSite): string[] => [
  `backend ${streamOf(stream.id)}`,
  'mode tcp',
  'balance roundrobin',
  'timeout server 1h',
  'option srvtcpka',
  'retries 4',
  'option redispatch 1',
  ...serverLines(setOfStream(stream)),
]
