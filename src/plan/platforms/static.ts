/** Files, and a small nginx before them. */
import { nginxText } from './nginx.ts'
import type { Platform } from './platform.ts'

const folders = ['public', 'dist', 'build', '_site', 'site', 'htdocs', 'www', 'out']

export const staticFiles: Platform = {
  defaults: {
    app: { platform: 'static', root: 'public' },
    build: { packages: ['nginx-light'] },
    daemon: {
      web: {
        command: 'nginx -e stderr -c /etc/croft/nginx.conf',
        port: 8080,
        health: { kind: 'tcp' },
        unit: { RuntimeDirectory: 'app-web' },
      },
    },
  },
  masks: ['nginx.service'],
  detect(files) {
    const root = ['', ...folders].find((folder) =>
      files.includes(folder === '' ? 'index.html' : `${folder}/index.html`),
    )
    if (root === undefined) return undefined
    return {
      platform: 'static',
      config: { app: { platform: 'static', root: root === '' ? '.' : root } },
      found: [root === '' ? 'index.html' : `${root}/index.html`],
      assumed: { 'app.root': 'there is an index.html in it' },
    }
  },
  files: (config) => [{ path: '/etc/croft/nginx.conf', mode: 0o644, text: nginxText(config, 'index.html') }],
}
