/** A farm of five hosts, made once: its store is on one, three and five of them, and all works while one of them is away. */
import { after, afterEach } from 'node:test'
import { goingOn } from './five/going-on.ts'
import { emptyOf, leavesNothing } from './five/left.ts'
import { members } from './five/members.ts'
import { createHosts } from './hosts.ts'

const hosts = await createHosts({ count: 5 })
const empty = await emptyOf(hosts)
let failed = false
after(() => hosts.dispose({ keepLog: failed }))
afterEach((context) => {
  if ('passed' in context && !context.passed) failed = true
})

members(hosts)
leavesNothing('what the members did', hosts, empty, () => [])
const { lost } = goingOn(hosts)
leavesNothing('what went on', hosts, empty, lost)
