/** Which of a guest's steps may go side by side: pure. */
import type { Step } from './guest.ts'

/** In order. */
type Strand = readonly Step[]

/**
 * Groups go one after another, the strands of a group side by side. Before a start the disk (and its seed), configuration and firewall have
 * nothing to do with each other, and the limit of a new disk is set while the guest starts; when it is gone its rules, its
 * disks and its configuration have nothing to do with each other either. Everything else goes in order.
 */
export function strandsOf(steps: readonly Step[]): readonly (readonly Strand[])[] {
  return aroundStart(steps) ?? aroundEnd(steps) ?? [[steps]]
}

function aroundStart(steps: readonly Step[]): Strand[][] | undefined {
  const at = steps.findIndex((step) => step.do === 'start')
  const early = steps.slice(0, at)
  if (at <= 0 || !early.every((step) => beforeStart.has(step.do))) return undefined
  const [limit, more] = split(early, (step) => step.do === 'limitRoot')
  const [disk, others] = split(more, (step) => step.do === 'cloneRoot' || step.do === 'plant')
  return [
    [disk, ...others.map((step) => [step])],
    [limit, steps.slice(at)],
  ]
}

function aroundEnd(steps: readonly Step[]): Strand[][] | undefined {
  if (steps.at(-1)?.do !== 'forget') return undefined
  const [kill, rest] = split(steps.slice(0, -1), (step) => step.do === 'kill')
  const [disks, others] = split(rest, (step) => step.do === 'removeRoot' || step.do === 'removeSnapshot')
  return [[kill], [disks, ...others.map((step) => [step])], [steps.slice(-1)]]
}

const beforeStart: ReadonlySet<Step['do']> = new Set([
  'cloneRoot',
  'limitRoot',
  'makeVolume',
  'limitVolume',
  'plant',
  'define',
  'openFirewall',
])

function split(steps: readonly Step[], belongs: (step: Step) => boolean): [Step[], Step[]] {
  return [steps.filter(belongs), steps.filter((step) => !belongs(step))]
}
