/** Files, and a small nginx before them. */
import { appFolder, type ResolvedConfig } from '../../api/app.ts'
import type { Platform } from './platform.ts'

const folders = ['public', 'dist', 'build', '_site', 'site', 'htdocs', 'www', 'out']

export const staticFiles: Platform = {
  defaults: {
    app: { platform: 'static' },
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
      config: { app: { platform: 'static', ...(root === '' ? {} : { root }) } },
      found: [root === '' ? 'index.html' : `${root}/index.html`],
      assumed: root === '' ? {} : { 'app.root': 'there is an index.html in it' },
    }
  },
  files: (config) => [{ path: '/etc/croft/nginx.conf', mode: 0o644, text: nginx(config) }],
}

function nginx({ app, daemon }: ResolvedConfig): string {
  const root = app.root === undefined ? appFolder : `${appFolder}/${app.root}`
  const last = app.fallback === undefined ? '=404' : `/${app.fallback}`
  return `${nginxHead}
  server {
    listen ${daemon.web?.port ?? 8080} default_server;
    listen [::]:${daemon.web?.port ?? 8080} default_server;
    root "${root}";
    index index.html;
    error_page 404 /404.html;
    # Of the checkout only what is meant to be seen.
    location ~ /\\. { return 404; }
    location = /croft.toml { return 404; }
    location / { try_files $uri $uri/ ${last}; }
  }
}
`
}

/** Shared with others that have nginx before them. */
export const nginxHead = `daemon off;
error_log stderr;
pid /run/app-web/nginx.pid;
worker_processes auto;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  sendfile on;
  server_tokens off;
  absolute_redirect off;
  access_log off;
  client_max_body_size 0;
  client_body_temp_path /run/app-web/body;
  proxy_temp_path /run/app-web/proxy;
  fastcgi_temp_path /run/app-web/fastcgi;
  uwsgi_temp_path /run/app-web/uwsgi;
  scgi_temp_path /run/app-web/scgi;`
