#!/bin/sh -e
# recipe: a Java program as the user app, /srv/app/Main.java until there is an app.jar
# from: debian:12
# packages: openjdk-17-jdk-headless
# port: 8080
useradd --system --create-home --home-dir /srv/app --shell /usr/sbin/nologin app
cat >/srv/app/Main.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class Main {
  public static void main(String[] words) throws Exception {
    var server = HttpServer.create(new InetSocketAddress(8080), 0);
    server.createContext("/", exchange -> {
      var said = ("It runs Java " + System.getProperty("java.version") + "\n").getBytes();
      exchange.sendResponseHeaders(200, said.length);
      exchange.getResponseBody().write(said);
      exchange.close();
    });
    server.start();
  }
}
JAVA
cat >/srv/app/run <<'RUN'
#!/bin/sh
cd /srv/app
if [ -f app.jar ]; then exec java -jar app.jar; fi
exec java Main.java
RUN
chmod 755 /srv/app/run
chown -R app:app /srv/app
cat >/etc/systemd/system/app.service <<'UNIT'
[Unit]
Description=the application
After=network.target
[Service]
User=app
ExecStart=/srv/app/run
Restart=on-failure
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable app
