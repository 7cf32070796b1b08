/** A farm of five hosts, made once: its store is on one, three and five of them, and all works while one of them is away. */
import { goingOn } from './five/going-on.ts'
import { members } from './five/members.ts'
import { useHosts } from './hosts.ts'

const hosts = await useHosts({ count: 5 })

members(hosts)
goingOn(hosts)
