# Packets that need a raw socket. One job each; prints "yes" when an echo was answered.
use strict;
use warnings;
use Socket qw(:all);

my ($job, $to, $wait) = @ARGV;
if ($job eq 'ping4') { ping(AF_INET, 1, 8, 0, pack_sockaddr_in(0, inet_pton(AF_INET, $to)), 20) }
elsif ($job eq 'ping6') { ping(AF_INET6, 58, 128, 129, pack_sockaddr_in6(0, inet_pton(AF_INET6, $to)), 0) }
elsif ($job eq 'advertise') { advertise(@ARGV[1, 2, 3]) }
elsif ($job eq 'neighbour') { neighbour(@ARGV[1, 2, 3]) }
else { die "no such job: $job" }

sub ping {
  my ($family, $protocol, $request, $reply, $address, $skip) = @_;
  socket(my $socket, $family, SOCK_RAW, $protocol) or die "socket: $!";
  my $rest = pack('nna4', $$ & 0xffff, 1, 'farm');
  my $sum = checksum(pack('CCn', $request, 0, 0) . $rest);
  my $until = time + $wait / 1000 + 1;
  send($socket, pack('CCn', $request, 0, $sum) . $rest, 0, $address);
  while (time < $until) {
    my $bits = '';
    vec($bits, fileno($socket), 1) = 1;
    last unless select($bits, undef, undef, $wait / 1000);
    recv($socket, my $packet, 1500, 0);
    my ($type, undef, undef, $id) = unpack('CCnn', substr($packet, $skip));
    if ($type == $reply && $id == ($$ & 0xffff)) { print "yes\n"; last }
  }
}

# A router advertisement to all nodes on the link, from the given source: a default router for half an hour.
sub advertise {
  my ($device, $source, $count) = @_;
  my $socket = icmp6($device, $source);
  my $message = pack('CCnCCnNN', 134, 0, 0, 64, 0, 1800, 0, 0);
  send($socket, $message, 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, 'ff02::1'), scope($device))) or die "send: $!";
}

# A neighbour solicitation for the target, which makes the receiver note the source as a neighbour.
sub neighbour {
  my ($device, $source, $target) = @_;
  my $socket = icmp6($device, $source);
  my $message = pack('CCnN', 135, 0, 0, 0) . inet_pton(AF_INET6, $target) . pack('CCH12', 1, 1, '0200000000ee');
  my $group = "ff02::1:ff" . sprintf('%02x:%04x', unpack('x13 C n', inet_pton(AF_INET6, $target)));
  send($socket, $message, 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, $group), scope($device))) or die "send: $!";
}

sub icmp6 {
  my ($device, $source) = @_;
  socket(my $socket, AF_INET6, SOCK_RAW, 58) or die "socket: $!";
  setsockopt($socket, IPPROTO_IPV6, 18, pack('i', 255)) or die "hop limit: $!";
  bind($socket, pack_sockaddr_in6(0, inet_pton(AF_INET6, $source), scope($device))) or die "bind: $!";
  return $socket;
}

sub scope {
  open(my $links, '<', '/proc/net/if_inet6') or die "links: $!";
  while (<$links>) { my @word = split; return hex($word[1]) if $word[5] eq $_[0] }
  die "no such link: $_[0]";
}

sub checksum {
  my $sum = 0;
  $sum += $_ for unpack('n*', $_[0]);
  $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16;
  return ~$sum & 0xffff;
}
