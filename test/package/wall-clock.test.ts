import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/**
 * Who reads the date, and what for. The date can be set at any time, so nobody measures by it: a delay, a deadline, an age
 * in a cache or a lease goes by `monotonicMs` (src/lib/clock.ts), and a moment that must outlive the process by `Moment`.
 */
const readers: Readonly<Record<string, string>> = {
  'src/cli/server-backup.ts': 'name of the backup',
  'src/cli/server-token.ts': 'creation and expiry of a token are dates',
  'src/csi/connection.ts': 'grpc-js takes a deadline as a date and turns it into a duration at once',
  'src/driver/create-group-snapshot.ts': 'creation time',
  'src/driver/create-volume.ts': 'creation time',
  'src/driver/pool.ts': 'creation times',
  'src/driver/record-store.ts': 'creation times',
  'src/driver/snapshots.ts': 'creation time',
  'src/kube/event-writer.ts': 'dates of an Event',
  'src/kube/reflector.ts': 'dates in its state',
  'src/lib/clock.ts': 'the clock itself',
  'src/operator/admin/pages/activity-log.ts': 'dates of the log',
  'src/operator/admin/pages/pages.ts': 'runs of schedules and ages, for people',
  'src/operator/clusters/nomad-clusters.ts': 'date of a condition',
  'src/operator/kubernetes/object-sync.ts': 'date of a condition',
  'src/operator/kubernetes/scheduled-snapshots.ts': 'date of an order',
  'src/operator/operator-pages.ts': 'date of the start, for people',
  'src/operator/operator.ts': 'date by which pages say what an order would do',
  'src/operator/orders/take-order.ts': 'date of an order',
  'src/operator/plan/now.ts': 'schedules go by the date',
  'src/operator/reconcile/pass.ts': 'dates of conditions and of the history',
  'src/operator/reconcile/steps/adopt-restored.ts': 'date in the history',
  'src/operator/reconcile/steps/create-snapshot.ts': 'date in a message',
  'src/operator/reconcile/steps/end-restore.ts': 'date in the history',
  'src/operator/reconcile/steps/expire-snapshot.ts': 'date of an order',
  'src/operator/reconcile/steps/recreate-host-volume.ts': 'date in the history',
  'src/operator/reconcile/steps/recreate-volume.ts': 'date in the history',
  'src/operator/reconcile/steps/take-final-snapshot.ts': 'part of a name, and a date for people',
  'src/operator/replicas/lease-lock.ts': 'dates in the Lease; nobody waits by them',
  'src/operator/sources/files.ts': 'compared with the dates of the file system',
  'src/operator/sources/git.ts': 'date of a reading',
  'src/operator/sources/kubernetes.ts': 'date of a reading',
  'src/operator/telemetry/metrics.ts': 'dates in gauges',
  'src/operator/telemetry/notifier.ts': 'date of a notification',
  'src/server/acl/acl.ts': 'expiry of a token is a date',
  'src/server/routes/agent.ts': 'date of the statistics',
  'src/server/state/state.ts': 'dates of creations and changes',
  'src/server/volumes/create-volume.ts': 'date of an intent',
  'src/server/volumes/remove-volume.ts': 'date of an intent',
}

const readsDate = /\bnow\(\)|\bDate\.now\b|\bnew Date\(\)/
/** A date in a sum, a difference or a comparison. */
const measures = /(?:\bnow\(\)\s*(?:[-+<>]|[!=]=)|(?:[-+<>]=?|[!=]==?)\s*(?:[\w.]+\.)?now\(\))/

/** Without comments and without the names of the monotonic clock. */
const codeOf = (text: string) =>
  text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').replace(/\bperformance\.now\(\)|=>\s*(?=\w+\.now\(\))/g, '')

/** Comparisons of dates with dates of elsewhere. */
const mayCompare = ['src/csi/connection.ts', 'src/operator/sources/files.ts', 'src/server/acl/acl.ts']

describe('the date', () => {
  const files = globSync('src/**/*.ts').map((file) => ({ file, code: codeOf(readFileSync(file, 'utf8')) }))

  it('is read only where a date is meant', () => {
    const found = files.flatMap(({ file, code }) => (readsDate.test(code) ? [file] : []))
    expect(found.sort()).toEqual(Object.keys(readers).sort())
  })

  it('limits no rate: the limit of p-queue goes by the date', () => {
    expect(files.flatMap(({ file, code }) => (/\bintervalCap\b/.test(code) ? [file] : []))).toEqual([])
  })

  it('is never taken for a duration', () => {
    const found = files.flatMap(({ file, code }) => (measures.test(code) ? [file] : []))
    expect(found.sort()).toEqual(mayCompare)
  })

  it.each([
    ['a difference', 'const passedMs = clock.now() - startedMs', true],
    ['a difference the other way round', 'return untilMs - Date.now()', true],
    ['a comparison', 'if (clock.now() < deadlineMs) wait()', true],
    ['a deadline', 'const deadlineMs = clock.now() + 5_000', true],
    ['a date that is stored', 'return { atMs: clock.now() }', false],
    ['a function that reads it', 'const now = () => clock.now()', false],
    ['the monotonic clock', 'return clock.monotonicMs() - startedMs', false],
  ])('%s is judged so', (_title, code, isMeasured) => {
    expect(measures.test(codeOf(code))).toBe(isMeasured)
  })
})
