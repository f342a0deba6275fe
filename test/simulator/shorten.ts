import type { Kind } from './far-side.ts'
import { isKnown } from './known-faults.ts'

/** How many histories may be lived through to make one shorter. */
const mostTries = 400

/**
 * Leaves out acts of a history as long as it breaks the same rule: halves first, then smaller pieces, then single ones.
 * All other choices of a history depend on names, so they stay as they were.
 */
export async function shorten<Plan extends Parameters<Kind['runHistory']>[0]>(
  { runHistory }: Pick<Kind, 'runHistory'>,
  plan: Plan,
  rule: string,
) {
  let tries = 0
  let best = { plan, outcome: await runHistory(plan) }

  async function attempt(shorter: Plan): Promise<boolean> {
    tries += 1
    const outcome = await runHistory(shorter)
    const [violation] = outcome.violations
    // What is known is another story.
    if (violation?.rule !== rule || isKnown(outcome.violations)) return false
    best = { plan: shorter, outcome }
    return true
  }

  for (let size = Math.ceil(plan.acts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let isShorter = true
    while (isShorter && tries < mostTries) {
      isShorter = false
      for (let start = 0; start < best.plan.acts.length && tries < mostTries; ) {
        const acts = best.plan.acts.toSpliced(start, size)
        if (await attempt({ ...best.plan, acts })) isShorter = true
        else start += size
      }
    }
  }
  return best
}
