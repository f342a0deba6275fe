import { afterAll, beforeAll, describe, it } from 'vitest'
import { failureRows, readRows, snapshotRows } from './storage-rows.ts'
import { type Lacks, type NomadUnderTest, patienceMs } from './under-test.ts'
import { createRows, endRows, registerRows } from './volume-rows.ts'

/** The plugin goes away last: a real one takes its time to come back. */
const groups = [
  ['create', createRows],
  ['register', registerRows],
  ['end', endRows],
  ['snapshots', snapshotRows],
  ['reads', readRows],
  ['failures', failureRows],
] as const

/** Tries every sentence of the contract on one implementation. */
export function tryContract(start: () => Promise<NomadUnderTest>, lacks: Lacks = {}): void {
  let nomad: NomadUnderTest
  beforeAll(async () => {
    nomad = await start()
  }, patienceMs)
  afterAll(() => nomad?.close(), patienceMs)

  describe.each(groups)('%s', (group, rows) => {
    for (const [index, row] of rows.entries()) {
      const why = row.needs?.flatMap((need) => lacks[need] ?? []).at(0)
      const title = why === undefined ? row.title : `${row.title} (skipped: ${why})`
      it.skipIf(why !== undefined)(title, () => row.run(nomad, `${group}-${index}`), patienceMs)
    }
  })
}
