/** The configuration of a small nginx that runs as the application's own user. */
import { appFolder, type ResolvedConfig } from '../../api/app.ts'

/** `locations`: what is answered by something else than files. */
export function nginxText({ app, daemon }: ResolvedConfig, index: string, locations = ''): string {
  const { root = '.', fallback } = app
  const port = daemon.web?.port ?? 8080
  const last = fallback === undefined ? '=404' : `/${fallback}$is_args$args`
  return `${head}
  server {
    listen ${port} default_server;
    listen [::]:${port} default_server;
    root ${root === '.' ? appFolder : `${appFolder}/${root}`};
    index ${index};
    error_page 404 /404.html;
    # Of the checkout only what is meant to be seen.
    location ~ /\\.(?!well-known/) { return 404; }
    location = /croft.toml { return 404; }
    location / { try_files $uri $uri/ ${last}; }
${locations}  }
}
`
}

const head = `daemon off;
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
  scgi_temp_path /run/app-web/scgi;
  # The edge speaks HTTPS for it, and says so.
  map $http_x_forwarded_proto $https_by_edge { default ""; https on; }`
