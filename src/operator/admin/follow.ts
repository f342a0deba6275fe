import type { Clock } from '../../lib/clock.ts'
import type { Key } from '../plan/identity.ts'
import type { Admin, StatusReport } from './admin.ts'
import type { ManagedObject } from './managed-object.ts'
import type { Row } from './row.ts'

type FollowedAdmin = Pick<Admin, 'status' | 'objects' | 'reconcile'>

/**
 * Asks the operator to look at everything, and follows the work.
 * @param options.wait true: ends when everything is Ready or needs a person, or after `timeoutMs`. False: ends when
 * nothing is left to do at once
 * @param show is given each report
 * @returns the last report
 */
export async function followWork(
  admin: Pick<FollowedAdmin, 'status' | 'reconcile'>,
  options: {
    readonly wait: boolean
    readonly timeoutMs: number
    readonly clock: Pick<Clock, 'after'>
  },
  show: (report: StatusReport) => void,
): Promise<StatusReport> {
  const { wait, timeoutMs, clock } = options
  let isSettled = false
  const settled = admin.reconcile().then(() => {
    isSettled = true
  })
  // A failure is heard in the race below. After the time limit nobody waits for it.
  settled.catch(() => {})
  const limit = startTimeLimit(clock, timeoutMs)
  try {
    let report = await admin.status()
    for (;;) {
      show(report)
      if (limit.hasPassed() || (isSettled && (!wait || report.rows.every(isAtRest)))) return report
      await Promise.race([
        changeSince(admin, report.version),
        ...(isSettled ? [] : [settled]),
        ...(wait ? [limit.passed] : []),
      ])
      report = await admin.status()
    }
  } finally {
    limit.cancel()
  }
}

/** Whether nothing is under way for the row: it is Ready, or a person has to do something. */
export function isAtRest({ state }: Row): boolean {
  return state !== 'Reconciling'
}

/**
 * Follows a restore that was ordered.
 * @param before the volume as it was before the order
 * @param say is given a line for each change
 * @returns how it ended. `timed out`: it had not ended by then, and it goes on
 */
export async function followRestore(
  admin: Pick<FollowedAdmin, 'status' | 'objects'>,
  before: { readonly key: Key; readonly object: ManagedObject | undefined },
  options: { readonly timeoutMs: number; readonly clock: Pick<Clock, 'after'> },
  say: (line: string) => void,
): Promise<'restored' | 'not restored' | 'timed out'> {
  const limit = startTimeLimit(options.clock, options.timeoutMs)
  let said = ''
  try {
    for (;;) {
      const { version } = await admin.status()
      const status = (await findObject(admin, before.key))?.status
      const { lastRestore, restoring, conditions = [] } = status ?? {}
      if (lastRestore !== undefined && lastRestore.time !== before.object?.status.lastRestore?.time) {
        say(`${lastRestore.outcome}: ${lastRestore.message}`)
        return lastRestore.outcome === 'Restored' ? 'restored' : 'not restored'
      }
      const [ready] = conditions
      const line = ready === undefined ? '' : `${ready.reason}: ${ready.message}`
      // Until the restore has begun, the condition is the one from before it.
      if (restoring !== undefined && ready?.status !== 'True' && line !== said) {
        say(line)
        said = line
      }
      if (limit.hasPassed()) return 'timed out'
      await Promise.race([changeSince(admin, version), limit.passed])
    }
  } finally {
    limit.cancel()
  }
}

/** Finds what is declared or managed under the key. */
export async function findObject(
  admin: Pick<Admin, 'objects'>,
  key: Key,
): Promise<ManagedObject | undefined> {
  return (await admin.objects()).find(({ status }) => status.key === key)
}

/** Waits for a change. Where the connection ends first, nobody has to hear of it. */
function changeSince(admin: Pick<Admin, 'status'>, version: number): Promise<unknown> {
  return admin.status(version).catch(() => undefined)
}

function startTimeLimit(clock: Pick<Clock, 'after'>, timeoutMs: number) {
  const { promise: passed, resolve } = Promise.withResolvers<void>()
  let hasPassed = false
  const cancel = clock.after(timeoutMs, () => {
    hasPassed = true
    resolve()
  })
  return { passed, cancel, hasPassed: () => hasPassed }
}
