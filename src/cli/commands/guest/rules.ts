/** `allow` and `deny` differ by one word. Without a rule they list what there is. */
import type { NewRule, RuleView } from '../../../api/guest.ts'
import { type Answer, type Column, done, rows } from '../../answer.ts'
import type { Context } from '../../context.ts'
import { items } from '../../wire/request.ts'
import { parseRule, ruleWords, serviceText } from '../../words/rules.ts'
import { changeAnswer, wrongUse } from '../../work/change.ts'
import { guestOrAll } from '../../work/targets.ts'

type Action = NewRule['action']

export async function runRules(context: Context, action: Action): Promise<Answer> {
  const { guest, words } = guestOrAll(context, 'RULE')
  const { flags } = context
  const removes = flags.has('rm')
  if (flags.has('all') && !removes) throw wrongUse(`croft ${action}: --all goes with --rm`)
  if (guest === undefined && (removes || words.length > 0)) throw wrongUse(`croft ${action}: of which guest?`)
  if (guest === undefined) return listAllRules(context)
  if (words.length === 0 && !removes) return listRules(context, guest)
  if (words.length === 0 && !flags.has('all')) throw wrongUse(`croft ${action} --rm: which rule? (--all: every one)`)
  if (words.length === 0) {
    return changeAnswer(context, { route: 'removeRule', params: { guest }, body: { all: true } }, ({ result }) =>
      done(guest, `${guest} has no rules now`, { record: result }),
    )
  }
  const rule: NewRule = { action, ...parseRule(words), log: flags.has('log') }
  const text = ruleText(words)
  const body = removes ? { rule } : rule
  const route = removes ? 'removeRule' : 'addRule'
  return changeAnswer(context, { route, params: { guest }, body }, async ({ result }) => {
    if (removes) return done(guest, `${guest} no longer: ${action} ${text}`, { record: result })
    const hint = await surprise(context, guest, rule).catch(() => undefined) // the rule is there all the same
    return done(guest, `${guest} ${action} ${text}`, { record: result, ...(hint === undefined ? {} : { hint }) })
  })
}

/** What the new rule does, or does not, that its author may not have meant. */
async function surprise(context: Context, guest: string, rule: NewRule): Promise<string | undefined> {
  const rules = items(await context.client.request('listRules', { params: { guest } }))
  const own = rules.find(
    ({ action, direction, peer, service }) =>
      action === rule.action &&
      direction === rule.direction &&
      peer === rule.peer &&
      serviceText(service) === rule.service,
  )
  if (own?.never !== undefined) return `without effect for now: ${own.never}`
  if (rule.action !== 'allow' || rule.direction !== 'out' || rules.some(letsNamesOut)) return undefined
  return `only what is allowed goes out now; of names those of the farm: for others, croft allow ${guest} to 169.254.0.1 udp/53`
}

function letsNamesOut({ action, direction, service: { protocol, from = 0, to = from } }: RuleView): boolean {
  if (action !== 'allow' || direction !== 'out') return false
  return protocol === 'any' || (protocol === 'udp' && (from === 0 || (from <= 53 && to >= 53)))
}

const ruleText = (words: readonly string[]): string => words.join(' ')

const columns: readonly Column<RuleView>[] = [
  { title: 'ACTION', get: (rule) => rule.action },
  { title: 'WAY', get: (rule) => (rule.direction === 'in' ? 'from' : 'to') },
  { title: 'PEER', get: (rule) => rule.peer },
  { title: 'SERVICE', get: (rule) => serviceText(rule.service) },
  { title: 'LOG', sparse: true, get: (rule) => (rule.log ? 'yes' : null) },
  { title: 'PACKETS', as: 'number', get: (rule) => rule.packets },
  { title: 'NEVER', sparse: true, elastic: true, get: (rule) => rule.never ?? null },
]

async function listAllRules(context: Context): Promise<Answer> {
  const rules = items(await context.client.request('listAllRules'))
  return rows(rules, [{ title: 'GUEST', get: (rule: RuleView) => rule.guest }, ...columns], {
    name: (rule) => [rule.guest, ...ruleWords(rule)].join(' '),
    empty: 'no guest has rules: croft allow web from pg tcp/5432',
  })
}

async function listRules(context: Context, guest: string): Promise<Answer> {
  const rules = items(await context.client.request('listRules', { params: { guest } }))
  return rows(rules, columns, {
    name: (rule) => ruleWords(rule).join(' '),
    empty: `${guest} has no rules: croft allow ${guest} from pg tcp/5432`,
  })
}
