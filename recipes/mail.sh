#!/bin/sh -e
# recipe: mail of one domain by Postfix and Dovecot; its people are users of the guest
# from: debian:12
# packages: postfix,dovecot-imapd,dovecot-lmtpd,openssl,ca-certificates
# port: 25
#
# The domain is the first line of /srv/mail/domain, read at the start and whenever it changes:
#   croft create post mail:v1 -p 25:25 -p 465:465 -p 587:587 -p 993:993
#   echo example.org | croft push - post:/srv/mail/domain
#   croft exec post -- useradd --create-home --shell /usr/sbin/nologin lark
#   echo 'lark:PASSWORD' | croft exec post -- chpasswd
#   croft set post certificate=mail.example.org
# With the last line it has the farm's certificate of that name, an ACME server's where one is asked, and each next one; without
# it one that it makes itself, unless another lies in /srv/mail/tls. The domain's MX names the host; nothing is relayed but
# for people who log in.
mkdir -p /srv/mail/tls
[ -e /etc/postfix/main.cf ] || cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
[ -e /etc/aliases ] || echo 'postmaster: root' >/etc/aliases
newaliases
postconf -e \
  'myhostname = localhost' 'mydestination = localhost' 'mynetworks = 127.0.0.0/8 [::1]/128' 'relayhost =' \
  'inet_interfaces = all' 'smtputf8_enable = no' 'biff = no' \
  'mailbox_transport = lmtp:unix:private/dovecot-lmtp' \
  'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination' \
  'disable_vrfy_command = yes' 'smtpd_helo_required = yes' \
  'smtpd_tls_cert_file = /srv/mail/tls/cert.pem' 'smtpd_tls_key_file = /srv/mail/tls/key.pem' \
  'smtpd_tls_security_level = may' 'smtpd_tls_auth_only = yes' 'smtp_tls_security_level = may' \
  'smtp_tls_CApath = /etc/ssl/certs' \
  'smtpd_sasl_type = dovecot' 'smtpd_sasl_path = private/auth'
postconf -M 'submission/inet=submission inet n - y - - smtpd' 'submissions/inet=submissions inet n - y - - smtpd'
for service in submission submissions; do
  postconf -P "$service/inet/smtpd_sasl_auth_enable=yes" \
    "$service/inet/smtpd_client_restrictions=permit_sasl_authenticated,reject"
done
postconf -P 'submission/inet/smtpd_tls_security_level=encrypt' 'submissions/inet/smtpd_tls_wrappermode=yes'
sed -i -e 's|^ssl_cert =.*|ssl_cert = </srv/mail/tls/cert.pem|' -e 's|^ssl_key =.*|ssl_key = </srv/mail/tls/key.pem|' \
  /etc/dovecot/conf.d/10-ssl.conf
cat >/etc/dovecot/local.conf <<'CONF'
protocols = imap lmtp
mail_location = maildir:~/Maildir
ssl = required
auth_username_format = %Ln
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
CONF
cat >/usr/local/sbin/mail-domain <<'DOMAIN'
#!/bin/sh -e
# Sets what /srv/mail/domain says, and takes the farm's certificate, or makes one unless somebody brought one.
domain=$(head -n 1 /srv/mail/domain 2>/dev/null | tr -d '[:space:]')
[ -n "$domain" ] || domain=localhost
case $domain in
  -* | .* | *..* | *[!A-Za-z0-9.-]*) echo "/srv/mail/domain holds no domain" >&2; exit 1 ;;
esac
name=mail.$domain
postconf -e "myhostname = $name" "mydomain = $domain" "myorigin = $domain" "mydestination = $domain, $name, localhost"
cd /srv/mail/tls
if [ -e /dev/.croft/tls/cert.pem ]; then
  umask 077
  for file in key cert; do cp "/dev/.croft/tls/$file.pem" "$file.new" && mv "$file.new" "$file.pem"; done
  echo 'of the farm' >made-here
elif [ ! -e cert.pem ] || { [ -e made-here ] && [ "$(cat made-here)" != "$name" ]; }; then
  umask 077
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=$name" \
    -addext "subjectAltName = DNS:$name" -keyout key.new -out cert.new 2>/dev/null
  mv key.new key.pem
  mv cert.new cert.pem
  echo "$name" >made-here
fi
for service in postfix dovecot; do systemctl --no-block try-reload-or-restart "$service"; done
DOMAIN
chmod 755 /usr/local/sbin/mail-domain
cat >/etc/systemd/system/mail-domain.service <<'UNIT'
[Unit]
Description=the domain of this mail server
Before=postfix.service postfix@-.service dovecot.service
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/mail-domain
[Install]
WantedBy=multi-user.target
UNIT
cat >/etc/systemd/system/mail-domain.path <<'UNIT'
[Unit]
Description=a change of the domain of this mail server, or of its certificate
[Path]
PathChanged=/srv/mail/domain
PathChanged=/dev/.croft/tls/cert.pem
[Install]
WantedBy=multi-user.target
UNIT
rm -f /etc/ssl/private/ssl-cert-snakeoil.key /etc/dovecot/private/* /etc/ssl/private/dovecot*
systemctl enable mail-domain.service mail-domain.path postfix dovecot
