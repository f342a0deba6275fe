import type { Log } from '../../lib/log.ts'
import { formatPlace, type Problem } from '../declare/declaration.ts'
import type { Refusal } from '../desired/ownership.ts'

/** Logs each problem of the sources once when it appears and once when it is gone, not at every reading. */
export function createProblemLog(log: Log): {
  update(problems: readonly Problem[], refusals: readonly Refusal[], warnings: readonly Problem[]): void
} {
  let before = new Map<string, string>()
  return {
    update(problems, refusals, warnings) {
      const now = new Map<string, string>()
      for (const { place, field, message } of problems) {
        const at = formatPlace(place)
        now.set(JSON.stringify([at, field, message]), at)
        if (!before.has(JSON.stringify([at, field, message])))
          log.warn({ at, field, why: message }, 'invalid declaration')
      }
      for (const { place, field, message } of warnings) {
        const at = formatPlace(place)
        now.set(JSON.stringify([at, field, message]), at)
        if (!before.has(JSON.stringify([at, field, message])))
          log.warn({ at, field, why: message }, 'part of a declaration has no effect')
      }
      for (const { declaration, reason, message } of refusals) {
        const at = formatPlace(declaration.place)
        now.set(message, at)
        if (!before.has(message)) log.warn({ at, reason, why: message }, 'declaration refused')
      }
      for (const [complaint, at] of before) {
        if (!now.has(complaint)) log.info({ at }, 'a problem of the source is solved')
      }
      before = now
    },
  }
}
