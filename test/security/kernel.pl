# What root of a guest asks of the kernel. One line each: the name, a tab, and `done` or the number of the error.
use strict;
use warnings;
use POSIX ();

sub ask {
    my ($name, @call) = @_;
    $! = 0;
    my $answer = syscall($call[0], @call[1 .. $#call]);
    printf "%s\t%s\n", $name, $answer == -1 ? $! + 0 : 'done';
}

my $zero = "\0" x 8192;
my $root = POSIX::open('/', 0);
my $home = POSIX::open('/root', 0);

my %subvolume = (
    create => [0x5000940e, pack('q', $home) . 'evil' . $zero],
    snapshot => [0x50009401, pack('q', $root) . 'evil' . $zero],
    create2 => [0x50009418, pack('qQQx32', $home, 0, 0) . 'evil' . $zero],
    snapshot2 => [0x50009417, pack('qQQx32', $root, 0, 0) . 'evil' . $zero],
    setflags => [0x4008941a, pack('Q', 2) . $zero],
    received => [0xc0c89425, $zero],
    received32 => [0xc0c09425, $zero],
);
for my $high (0, 0xdeadbeef, 0x80000000) {
    for my $name (sort keys %subvolume) {
        my ($number, $words) = @{ $subvolume{$name} };
        my $fd = $name =~ /setflags|received/ ? $root : $home;
        ask(sprintf('subvolume.%s.%x', $name, $high), 16, $fd, $number | ($high << 32), my $copy = $words);
    }
}
my %btrfs = (
    destroy => 0x5000940f, destroy2 => 0x5000943f, default => 0x40089413, limit => 0x8030942b, qgroup => 0x4010942a,
    assign => 0x40189429, quota => 0xc0109428, rescan => 0x4040942c, resize => 0x50009403, add => 0x5000940a,
    remove => 0x5000940b, scrub => 0xc400941b, search => 0xd0009411, search2 => 0xc0709411, inode => 0xc0389424,
    send => 0x40489426, balance => 0xc4009420, read => 0x80809440, write => 0x40809440, label => 0x41009432,
    features => 0x40309439, replace => 0xca289435,
);
ask("btrfs.$_", 16, $root, $btrfs{$_}, my $copy = $zero) for sort keys %btrfs;

my $perf = pack('LLQQQQQ', 0, 112, 0, 0, 0, 0, 0) . $zero;
ask('bpf', 321, 0, $zero, 128);
ask('keyctl', 250, 0, 0, 0);
ask('add_key', 248, my $t = 'user', my $k = 'croft', my $v = 'x', 1, -3);
ask('request_key', 249, $t, $k, 0, 0);
ask('userfaultfd', 323, 0);
ask('userfaultfd.user', 323, 1);
ask('perf_event_open', 298, $perf, 0, -1, -1, 0);
ask('open_by_handle_at', 304, $root, my $handle = pack('Ll', 8, 1) . $zero, 0);
ask('io_uring_setup', 425, 8, my $ring = $zero);
ask('kexec_load', 246, 0, 0, 0, 0);
ask('kexec_file_load', 320, 0, 0, 0, 0, 0);
ask('init_module', 175, $zero, 10, my $none = '');
ask('finit_module', 313, $root, $none, 0);
ask('delete_module', 176, my $module = 'btrfs', 0);
ask('syslog.read', 103, 3, my $log = $zero, 4096);
ask('syslog.clear', 103, 5, 0, 0);
ask('iopl', 172, 3);
ask('swapon', 167, my $swap = '/etc/passwd', 0);
ask('acct', 163, my $acct = '/root/acct');
ask('settimeofday', 164, my $day = pack('qq', 1, 0), 0);
ask('clock_settime', 227, 0, $day);
ask('mknod.disk', 133, my $disk = '/root/disk', 0060600, 7 << 8);
ask('mknod.memory', 133, my $memory = '/root/memory', 0020600, (1 << 8) | 1);
ask('mknod.null', 133, my $null = '/root/null', 0020600, (1 << 8) | 3);
ask('mount.btrfs', 165, my $loop = '/dev/loop0', my $mnt = '/mnt', my $type = 'btrfs', 0, 0);
ask('mount.debugfs', 165, $type, $mnt, my $debug = 'debugfs', 0, 0);
ask('mount.tracefs', 165, $type, $mnt, my $trace = 'tracefs', 0, 0);
ask('mount.securityfs', 165, $type, $mnt, my $security = 'securityfs', 0, 0);
# x32 numbers, which a filter of one architecture lets through.
ask('x32.ioctl', 0x40000000 + 514, $home, 0x5000940e, my $words = $zero);
print "x86.$_->[0]\t" . x86($_->[1]) . "\n" for ['create', 0x5000940e], ['snapshot2', 0x50009417], ['info', 0x8400941f];

# A program that makes its calls by int 0x80: the kernel's 32-bit door. Ends with the number of the error.
sub x86 {
    my ($number) = @_;
    my ($base, $head) = (0x400000, 64 + 56);
    my $code = sub {
        my ($path, $arguments) = @_;
        return pack('CV CV', 0xb8, 5, 0xbb, $path) . "\x31\xc9\xcd\x80\x89\xc3"
            . pack('CV CV CV', 0xb8, 54, 0xb9, $number, 0xba, $arguments)
            . "\xcd\x80\xf7\xd8\x89\xc3" . pack('CV', 0xb8, 1) . "\xcd\x80";
    };
    my $at = $base + $head + length $code->(0, 0);
    my $body = $code->($at, $at + 8) . pack('a8 q', '/root', 3) . 'evil32' . $zero;
    my $size = $head + length $body;
    open my $file, '>', '/root/x86' or return 'not written';
    print $file "\x7fELF\x02\x01\x01" . "\0" x 9
        . pack('vvVQQQVvvvvvv', 2, 62, 1, $base + $head, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        . pack('VVQQQQQQ', 1, 7, 0, $base, $base, $size, $size, 4096) . $body;
    close $file;
    chmod 0755, '/root/x86';
    my $status = system '/root/x86';
    return $status == 0 ? 'done' : $status >> 8;
}
