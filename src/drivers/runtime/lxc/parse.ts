/**
 * What lxc-start logged, without time stamps and source lines: `cgfsng: Failed to create monitor cgroup`. The last five. What
 * lxcfs does not serve is mounted as optional: it never is the reason.
 */
export function lastErrors(log: string): string {
  const messages = log.split('\n').flatMap((line) => {
    const match = /^lxc-start \S+ \S+ ERROR\s+(\S+) - \S+ - (.*)$/.exec(line)
    if (!match || match[1] === 'lxc_start' || /wait_on_daemonized_start|\/lxcfs\//.test(line)) return []
    return [`${match[1]}: ${match[2]}`]
  })
  const lines = messages.length > 0 ? messages : log.trim().split('\n')
  return lines.slice(-5).join('\n') || 'lxc-start failed without a word'
}

/** Bytes of eth0, from inside: what it received came in. */
/** Of /proc/PID/stat: faults of the children that it has waited for. Each that ends adds some. */
export function pulseIn(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.length < 11 ? undefined : `${stat.split(' ', 1)[0]} ${fields[8]} ${fields[10]}`
}

export function parseNetDev(text: string): { netInBytes: number | null; netOutBytes: number | null } {
  const fields = /^\s*eth0:\s*(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/)
  return { netInBytes: fields ? Number(fields[0]) : null, netOutBytes: fields ? Number(fields[8]) : null }
}

/** Whether a start failed because the kernel had not yet taken away the link of the guest's last life. */
export const nameWasTaken = (log: string): boolean => log.includes('Failed to create veth pair')
