# Answers every connection with its own name and whom it took its client for, then closes; `hold` keeps it open and counts.
use strict;
use warnings;
use Socket qw(:all);

my ($name, $port, $hold) = @ARGV;
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
socket(my $server, AF_INET6, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
setsockopt($server, IPPROTO_IPV6, IPV6_V6ONLY, 0);
bind($server, pack_sockaddr_in6($port, inet_pton(AF_INET6, '::'))) or die "bind: $!";
listen($server, 100) or die "listen: $!";
while (1) {
  my $peer = accept(my $client, $server) or next;
  next if fork;
  my ($from, $address) = unpack_sockaddr_in6($peer);
  my $text = inet_ntop(AF_INET6, $address);
  $text =~ s/^::ffff://;
  select($client);
  $| = 1;
  if ($hold) {
    for (my $count = 1; ; $count++) { print "$count\n" or last; select(undef, undef, undef, 0.1) }
    exit;
  }
  sysread($client, my $request, 4096);
  print "HTTP/1.0 200 OK\r\n\r\n$name sees $text\n";
  exit;
}
