mkdir -p www
echo ok >www/up
echo "<h1>bell</h1>" >www/index.html
