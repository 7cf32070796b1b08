/** Where everything of the edge lies, and what things are called in it. Pure. */
import { join } from 'node:path'

export interface Layout {
  readonly folder: string
  readonly config: string
  /** What the files say, as one text; its hash is the mark. */
  readonly made: string
  readonly pidFile: string
  /** Words to the master, and through it to the workers. */
  readonly socket: string
  /** Root of the workers' files; nothing is in it but the socket of TLS that is not passed through. */
  readonly jail: string
  /** HAProxy writes requests into it, and a process of its own carries them to the log. */
  readonly pipe: string
  readonly accessLog: string
  readonly messages: string
}

export const layoutOf = (folder: string): Layout => ({
  folder,
  config: join(folder, 'haproxy.cfg'),
  made: join(folder, 'made.json'),
  pidFile: join(folder, 'haproxy.pid'),
  socket: join(folder, 'master.sock'),
  jail: join(folder, 'jail'),
  pipe: join(folder, 'access.pipe'),
  accessLog: join(folder, 'access.log'),
  messages: join(folder, 'messages.log'),
})

/** Names hold ids only, never what a user wrote. */
export const backendOf = (site: string): string => `b_${site}`
export const streamOf = (stream: string): string => `t_${stream}`
export const serverOf = (server: string): string => `s_${server}`
/** Takes what comes while no server does: nothing hears there, so it is tried again and again until a server is back. */
export const waitingServer = 'wait'

export const mapFiles = {
  routes: 'maps/routes.map',
  aliases: 'maps/aliases.map',
  tokens: 'maps/tokens.map',
  noindex: 'maps/noindex.map',
  passthrough: 'maps/passthrough.map',
  mark: 'maps/mark.map',
} as const

export const operatorsFile = 'lists/operators.lst'
export const nearFile = 'lists/near.lst'
export const listFile = (kind: 'allow' | 'deny', site: string): string => `lists/${site}.${kind}`
export const certificateFile = (name: string): string => `certs/${name}.pem`
export const certificatesFile = 'certs/list'
export const pageFile = (status: number): string => `pages/${status}.http`
export const maintenanceFile = (site: string): string => `pages/${site}.html`
export const drainingFile = 'pages/draining.lua'
export const tlsSocket = 'tls.sock'
