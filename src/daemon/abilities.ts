/** What this croft can do for the other hosts of its farm, by names that stay: an older one lacks the newer of them. */
export const abilities: readonly string[] = ['carry', 'instances']
