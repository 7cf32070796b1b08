import type { Platform } from './platform.ts'

/** Any command. Nothing is assumed, and so nothing recognised but the list of commands that others have. */
export const plain: Platform = {
  defaults: { app: { platform: 'plain' } },
  detect(files, read) {
    if (!files.includes('Procfile')) return undefined
    const lines = (read('Procfile') ?? '').split('\n').flatMap((line) => {
      const [, name = '', command = ''] = /^([a-z][a-z0-9-]{0,30}):\s*(\S.*)$/.exec(line.trim()) ?? []
      return name === '' ? [] : [[name, command] as const]
    })
    if (lines.length === 0) return undefined
    const daemon = Object.fromEntries(
      lines
        .filter(([name]) => name !== 'release')
        .map(([name, command]) => [name, { command, ...(name === 'web' ? { port: 8080 } : {}) }]),
    )
    const [, before] = lines.find(([name]) => name === 'release') ?? []
    return {
      platform: 'plain',
      config: {
        app: { platform: 'plain' },
        ...('web' in daemon ? { env: { PORT: '${daemon.web.port}' } } : {}),
        daemon,
        ...(before === undefined ? {} : { before: { command: before } }),
      },
      found: ['Procfile'],
      assumed: { 'daemon.web.port': 'as PORT says to the program' },
    }
  },
}
