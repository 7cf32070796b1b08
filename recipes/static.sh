#!/bin/sh -e
# recipe: files over HTTP, from /var/www/html
# from: debian:12
# packages: nginx-light
# port: 80
rm -f /etc/nginx/sites-enabled/default
cat >/etc/nginx/conf.d/static.conf <<'CONF'
server_tokens off;
server {
  listen 80 default_server;
  listen [::]:80 default_server;
  root /var/www/html;
  index index.html;
  location / { try_files $uri $uri/ =404; }
}
CONF
rm -f /var/www/html/*
echo '<!doctype html><title>static</title><h1>It serves</h1>' >/var/www/html/index.html
systemctl enable nginx
