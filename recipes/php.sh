#!/bin/sh -e
# recipe: PHP behind nginx, from /srv/app/public
# from: debian:12
# packages: nginx-light,php-fpm,php-cli,php-mysql,php-sqlite3,php-curl,php-mbstring,php-xml,php-zip,php-gd,php-intl,composer
# port: 80
version=$(php -r 'echo PHP_MAJOR_VERSION.".".PHP_MINOR_VERSION;')
rm -f /etc/nginx/sites-enabled/default
cat >/etc/nginx/conf.d/php.conf <<CONF
server_tokens off;
server {
  listen 80 default_server;
  listen [::]:80 default_server;
  root /srv/app/public;
  index index.php index.html;
  location / { try_files \$uri \$uri/ /index.php?\$query_string; }
  location ~ \.php$ {
    try_files \$uri =404;
    include fastcgi_params;
    fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
    fastcgi_pass unix:/run/php/php$version-fpm.sock;
  }
}
CONF
mkdir -p /srv/app/public
echo '<?php header("Content-Type: text/plain"); echo "It runs PHP ", PHP_VERSION, "\n";' >/srv/app/public/index.php
chown -R www-data:www-data /srv/app
# nginx alone listens long before anything is interpreted.
mkdir -p /etc/systemd/system/nginx.service.d
printf '[Unit]\nAfter=php%s-fpm.service\n' "$version" >/etc/systemd/system/nginx.service.d/php.conf
systemctl enable nginx "php$version-fpm"
