import type { Log } from '../../lib/log.ts'
import type { Decision } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'

/** For `--read-only`: logs each step that the operator would take, once until its reason changes. */
export function createPlanLog(log: Log): (key: Key, decision: Decision) => void {
  const told = new Map<Key, string>()
  return (key, { step, verdict }) => {
    if (told.get(key) === verdict.message) return
    told.set(key, verdict.message)
    log.info({ key, step, why: verdict.message }, 'would take a step')
  }
}
