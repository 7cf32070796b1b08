/** Bare HAProxy, nginx and Caddy, each with one site, as somebody would set them up by hand for speed. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from './measure.ts'

export interface Peer {
  readonly name: string
  readonly port: number
  readonly command: readonly string[]
  readonly files: Readonly<Record<string, string>>
}

export interface PeerOptions {
  readonly folder: string
  /** Key and certificate in one file. */
  readonly pem: string
  readonly upstream: string
}

export async function certificate(folder: string): Promise<string> {
  const [key, cert, pem] = ['key.pem', 'cert.pem', 'both.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=s0.example.org', '-addext', 'subjectAltName=DNS:s0.example.org,IP:127.0.0.1']
  await command('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], { PATH: '/usr/bin:/bin' })
  await writeFile(pem, (await readFile(key, 'utf8')) + (await readFile(cert, 'utf8')))
  return pem
}

export const peers = ({ folder, pem, upstream }: PeerOptions): Peer[] => [
  {
    name: 'bare HAProxy, 1 site',
    port: 9443,
    command: ['haproxy', '-db', '-f', join(folder, 'bare.cfg')],
    files: {
      'bare.cfg': `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend web
  bind 127.0.0.1:9443 ssl crt ${pem} alpn h2,http/1.1
  default_backend site
backend site
  server one ${upstream} check
`,
    },
  },
  {
    // What an edge of many customers cannot leave out; the budget is against the bare one all the same.
    name: 'HAProxy that logs, maps names and tells the client’s address',
    port: 9446,
    command: ['haproxy', '-db', '-f', join(folder, 'honest.cfg')],
    files: {
      'names.map': 's0.example.org site\n',
      'honest.cfg': `global
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend web
  bind 127.0.0.1:9446 ssl crt ${pem} alpn h2,http/1.1
  http-request del-header X-Forwarded- -m beg
  http-request set-header X-Forwarded-Proto https
  use_backend %[req.hdr(host),host_only,lower,map(${join(folder, 'names.map')})]
backend site
  server one ${upstream} check
`,
    },
  },
  {
    name: 'nginx, 1 site',
    port: 9444,
    command: ['nginx', '-c', join(folder, 'peer.conf'), '-p', folder],
    files: {
      'peer.conf': `daemon off; worker_processes auto; pid ${folder}/peer.pid; error_log /dev/null crit;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  upstream site { server ${upstream}; keepalive 64; keepalive_requests 100000000; }
  server { listen 127.0.0.1:9444 ssl; server_name s0.example.org; ssl_certificate ${pem}; ssl_certificate_key ${pem};
    location / { proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; } } }
`,
    },
  },
  {
    name: 'Caddy, 1 site',
    port: 9445,
    command: ['env', `HOME=${folder}`, 'caddy', 'run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')],
    files: {
      Caddyfile: `{
  auto_https off
  skip_install_trust
  admin off
  default_sni s0.example.org
}
https://s0.example.org:9445, https://127.0.0.1:9445 {
  bind 127.0.0.1
  tls ${folder}/cert.pem ${folder}/key.pem
  reverse_proxy ${upstream}
}
`,
    },
  },
]
