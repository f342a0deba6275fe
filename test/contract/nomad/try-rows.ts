import { afterAll, beforeAll, describe, it } from 'vitest'
import { failureRows, readRows, snapshotRows, watchRows } from './storage-rows.ts'
import { type Lacks, type NomadUnderTest, patienceMs } from './under-test.ts'
import { createRows, endRows, registerRows } from './volume-rows.ts'

/** The plugin goes away last: a real one takes its time to come back. */
const groups = [
  ['create', createRows],
  ['register', registerRows],
  ['end', endRows],
  ['snapshots', snapshotRows],
  ['reads', readRows],
  ['watching', watchRows],
  ['failures', failureRows],
] as const

/** Tries every sentence of the contract on one implementation. @param only the groups that are its contract */
export function tryContract(
  start: () => Promise<NomadUnderTest>,
  lacks: Lacks = {},
  only: readonly string[] = groups.map(([group]) => group),
): void {
  let nomad: NomadUnderTest
  beforeAll(async () => {
    nomad = await start()
  }, patienceMs)
  afterAll(() => nomad?.close(), patienceMs)

  const own = groups.filter(([group]) => only.includes(group))
  describe.each(own)('%s', (group, rows) => {
    for (const [index, row] of rows.entries()) {
      const why = row.needs?.flatMap((need) => lacks[need] ?? []).at(0)
      const title = why === undefined ? row.title : `${row.title} (skipped: ${why})`
      it.skipIf(why !== undefined)(title, () => row.run(nomad, `${group}-${index}`), patienceMs)
    }
  })
}
