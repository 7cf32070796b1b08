# Sends one UDP datagram to port 7777 with whatever source address it is told.
use strict;
use warnings;
use Socket qw(:all);

my ($from, $to) = @ARGV;
socket(my $raw, AF_INET, SOCK_RAW, 255) or die "socket: $!";
setsockopt($raw, 0, 3, pack('i', 1)) or die "IP_HDRINCL: $!";
my $payload = 'spoof';
my $udp = pack('nnnn', 7001, 7777, 8 + length $payload, 0) . $payload;
my $ip = pack('CCnnnCCn', 0x45, 0, 20 + length $udp, 1, 0, 64, 17, 0) . inet_aton($from) . inet_aton($to);
# What the kernel itself refuses to send is not on the wire either.
send($raw, $ip . $udp, 0, pack_sockaddr_in(0, inet_aton($to)));
