#!/bin/sh -e
# recipe: a Node program as the user app, /srv/app/server.js
# from: debian:12
# packages: nodejs,npm
# port: 3000
useradd --system --create-home --home-dir /srv/app --shell /usr/sbin/nologin app
cat >/srv/app/server.js <<'JS'
require('node:http')
  .createServer((request, response) => response.end(`It runs Node ${process.version}\n`))
  .listen(process.env.PORT)
JS
chown -R app:app /srv/app
cat >/etc/systemd/system/app.service <<'UNIT'
[Unit]
Description=the application
After=network.target
[Service]
User=app
WorkingDirectory=/srv/app
Environment=NODE_ENV=production PORT=3000
ExecStart=/usr/bin/node server.js
Restart=on-failure
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable app
