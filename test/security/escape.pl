# What root of a guest tries on the files of the kernel. Words: a folder of the host, and a process of it.
use strict;
use warnings;

my ($canary, $pid, $state, $pool) = @ARGV;

sub say_it { printf "%s\t%s\n", @_ }
sub quiet { return system(@_) == 0 }
sub put {
    my ($name, $path, $text) = @_;
    my $file;
    my $written = open($file, '>', $path) && (syswrite($file, $text) // 0) > 0 && close $file;
    say_it($name, $written ? 'done' : $! + 0);
}
sub see {
    my ($name, $path) = @_;
    my ($file, $text);
    my $read = open($file, '<', $path) && sysread $file, $text, 100;
    say_it($name, $read ? 'done' : $! + 0);
}
open STDERR, '>', '/dev/null';

# Everything read-only that a guest's root can make writable again.
quiet('mount', '-o', 'remount,bind,rw', $_) for '/proc/sys', '/sys', '/proc', '/dev/.croft';
my @switches = qw(
    /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/panic
    /proc/sys/vm/drop_caches /proc/sys/fs/suid_dumpable /proc/sys/fs/inotify/max_user_instances
    /proc/sys/kernel/dmesg_restrict /proc/sys/vm/overcommit_memory /proc/irq/default_smp_affinity
    /sys/kernel/uevent_helper /sys/power/state /sys/kernel/mm/transparent_hugepage/enabled /sys/block/loop0/uevent
);
put("write $_", $_, "1\n") for @switches;
see("read $_", $_) for qw(/proc/kcore /proc/kmsg /dev/kmsg /dev/mem /proc/timer_list /proc/vmallocinfo /proc/slabinfo);
put("write /dev/.croft/$_", "/dev/.croft/$_", '#!/bin/sh') for qw(first id new);
say_it('chmod /dev/.croft/first', chmod(0777, '/dev/.croft/first') ? 'done' : $! + 0);
say_it('unlink /dev/.croft/first', unlink('/dev/.croft/first') ? 'done' : $! + 0);

# The release agent and the limits of every cgroup controller, where they are mounted and in a mount of our own.
mkdir '/tmp/cg';
for my $controller ('memory', 'devices', 'pids', 'cpu', 'blkio', 'freezer') {
    next unless quiet('mount', '-t', 'cgroup', '-o', $controller, 'none', '/tmp/cg');
    put("$controller release_agent", '/tmp/cg/release_agent', "$canary/agent");
    put("$controller notify", '/tmp/cg/notify_on_release', "1\n");
    quiet('umount', '/tmp/cg');
}
for my $folder (glob('/sys/fs/cgroup/*'), '/sys/fs/cgroup') {
    next if -l $folder;
    put("limit $folder/$_", "$folder/$_", $_ eq 'devices.allow' ? 'a' : "-1\n")
        for grep { -e "$folder/$_" } qw(memory.limit_in_bytes pids.max cpu.cfs_quota_us devices.allow memory.max cpu.max release_agent);
}
quiet('unshare', '-UrmC', 'sh', '-c', "mount -t cgroup -o memory none /tmp/cg && echo $canary/agent >/tmp/cg/release_agent");
say_it('release_agent of its own namespace', $? == 0 ? 'done' : 1);

# Processes, files and sockets of the host and of neighbours.
say_it("process $pid of the host", -d "/proc/$pid/root/boot" ? 'done' : 2);
say_it('processes', scalar grep { /^\d+$/ } map { s{.*/}{}r } glob '/proc/*');
see("read $_", $_) for "$canary/secret", "/proc/1/root$canary/secret", "$state/store/croft.db", "$pool/croft-pool.json";
say_it('other roots', scalar(() = glob "$pool/guests/*"));
open my $sockets, '<', '/proc/net/unix';
say_it('abstract sockets of monitors', scalar grep { m{/command$} } <$sockets>);
use Socket;
socket(my $monitor, AF_UNIX, SOCK_STREAM, 0);
say_it('connect to a monitor', connect($monitor, pack('Sa*', AF_UNIX, "\0$state/lxc/1/command")) ? 'done' : $! + 0);
socket(my $daemon, AF_UNIX, SOCK_STREAM, 0);
say_it('connect to the daemon', connect($daemon, pack_sockaddr_un("$state/sock")) ? 'done' : $! + 0);
mkdir '/tmp/pool';
for my $disk ('/dev/loop0', '/dev/vda', '/dev/sda', glob '/dev/loop*') {
    say_it("open $disk", open(my $file, '<', $disk) ? 'done' : $! + 0);
}
